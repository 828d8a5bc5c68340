import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import Testing

/// Single layers as files.
@Suite struct LayerFilesTests {
    @Test func `a layer goes through its file, and models that shared it keep theirs`() throws {
        try TemporaryFolder.with { folder in
            let model = try GoldenModel("llama").load()
            let ids = try model.encode("Ada lives at 12 Elm Row.")
            let before = try model.tokenLogProbabilities(ids)
            let changed = try model.sharing(model.decoder.weights)
            try changed.decoder.weights.detachLayer(2)
            let down = changed.decoder.weights.layers[2].down
            for index in 0..<down.count { try down.values()[index] *= 1.5 }
            let after = try changed.tokenLogProbabilities(ids)
            #expect(after != before)
            try LayerFiles.write(2, of: changed, to: folder)

            let restored = try model.sharing(model.decoder.weights)
            try LayerFiles.read(2, of: restored, from: folder)
            #expect(try restored.tokenLogProbabilities(ids) == after)
            #expect(try model.tokenLogProbabilities(ids) == before)
        }
    }

    @Test func `a layer that is not there, or another's file, leaves the model as it was`() throws {
        try TemporaryFolder.with { folder in
            let model = try GoldenModel("llama").load()
            let ids = try model.encode("Ada lives at 12 Elm Row.")
            let before = try model.tokenLogProbabilities(ids)
            #expect(throws: LetheError.self) { try LayerFiles.write(4, of: model, to: folder) }
            #expect(throws: LetheError.self) { try LayerFiles.read(1, of: model, from: folder) }
            try LayerFiles.write(3, of: model, to: folder)
            try FileManager.default.moveItem(
                at: folder.appendingPathComponent(LayerFiles.name(3)),
                to: folder.appendingPathComponent(LayerFiles.name(1)))
            #expect(throws: LetheError.self) { try LayerFiles.read(1, of: model, from: folder) }
            #expect(try model.tokenLogProbabilities(ids) == before)
        }
    }
}

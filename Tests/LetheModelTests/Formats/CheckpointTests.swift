import Foundation
import LetheCore
import LetheModel
import Testing

@Suite struct CheckpointTests {
    private func code(_ url: URL, followingSymbolicLinks: Bool = false) throws -> LetheError.Code? {
        do {
            _ = try Checkpoint.open(url, followingSymbolicLinks: followingSymbolicLinks)
            return nil
        } catch let error as LetheError { return error.code }
    }

    @Test func `formats are told apart`() throws {
        #expect(try Checkpoint.open(FormatFixtures.url("types.safetensors")) is SafetensorsFile)
        #expect(try Checkpoint.open(FormatFixtures.url("values.gguf")) is GGUFFile)
        #expect(try Checkpoint.open(FormatFixtures.url("sharded")) is ShardedSafetensors)
        #expect(
            try Checkpoint.open(FormatFixtures.url("sharded/model.safetensors.index.json")) is ShardedSafetensors)
        try FormatFixtures.withTemporaryFolder { folder in
            #expect(try code(folder) == .missingInput)
            try FileManager.default.copyItem(
                at: FormatFixtures.url("types.safetensors"), to: folder.appendingPathComponent("model.safetensors"))
            #expect(try Checkpoint.open(folder) is SafetensorsFile)
        }
        #expect(try code(FormatFixtures.url("absent")) == .missingInput)
    }

    @Test func `only regular files are opened`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let link = folder.appendingPathComponent("link.safetensors")
            try FileManager.default.createSymbolicLink(
                at: link, withDestinationURL: FormatFixtures.url("types.safetensors"))
            #expect(try code(link) == .badData)
            #expect(try code(link, followingSymbolicLinks: true) == nil)

            let fifo = folder.appendingPathComponent("fifo.safetensors")
            #expect(mkfifo(fifo.path, 0o600) == 0)
            #expect(try code(fifo) == .badData)
            #expect(try code(URL(fileURLWithPath: "/dev/null")) == .badData)
            #expect(throws: LetheError.self) { try SafetensorsFile(folder) }

            let empty = folder.appendingPathComponent("empty.safetensors")
            try Data().write(to: empty)
            #expect(try code(empty) == .badData)
        }
    }

    @Test func `a reader outlives the name of its file`() throws {
        try FormatFixtures.withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("model.safetensors")
            try FileManager.default.copyItem(at: FormatFixtures.url("types.safetensors"), to: url)
            let file = try SafetensorsFile(url)
            let writer = try SafetensorsWriter(url, tensors: [("new", .float32, [1])])
            try writer.write("new", from: [1])
            try writer.finish()
            #expect(try file.readFloat32("f32") == [1.5, -2.5, 0.1])
            #expect(try SafetensorsFile(url).tensorNames == ["new"])
        }
    }
}

import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import Testing

/// Matrices kept in bfloat16: which are, that they mean the same, and that export gives back the same bits.
@Suite struct WeightStorageTests {
    /// Families that differ in how a matrix is put together from tensors: three into one, one as it is, transposed.
    static let families = ["llama", "qwen2", "phi3", "gpt2", "gemma2"]

    /// A BF16 copy of a golden model, and its folder's parent.
    private func withRounded(_ name: String, _ body: (_ folder: URL, _ parent: URL) throws -> Void) throws {
        let model = try GoldenModel(name).load()
        try TemporaryFolder.with { parent in
            let folder = parent.appendingPathComponent("bf16")
            try ModelExporter.export(model, to: folder, type: .bfloat16)
            try body(folder, parent)
        }
    }

    private func matrices(_ model: LanguageModel) -> [WeightMatrix] {
        let weights = model.decoder.weights
        return weights.layers.flatMap(\.matrices) + [weights.embedding, weights.head]
    }

    @Test(arguments: families)
    func `frozen matrices compute what the same values in fp32 do`(name: String) throws {
        try withRounded(name) { folder, _ in
            let ids = try GoldenModel(name).longest.ids
            let wide = try ModelLoader.load(folder, .init(storage: .float32))
            let frozen = try ModelLoader.load(folder, .init(storage: .bfloat16))
            #expect(matrices(wide).allSatisfy { $0.isFloat32 })
            #expect(!matrices(frozen).contains { $0.isFloat32 })
            #expect(!wide.decoder.weights.hasFrozenMatrices && frozen.decoder.weights.hasFrozenMatrices)
            let expected = try ModelGradients(wide, [ids])
            let actual = try ModelGradients(frozen, [ids])
            #expect(Closeness.mismatch(actual.nll, expected.nll, Tolerance(absolute: 1e-5, relative: 1e-5)) == nil)
            for slot in wide.slots {
                let values = expected.values(slot)
                #expect(Closeness.mismatch(actual.values(slot), values, ofScale: 1e-4) == nil, "\(slot.name)")
            }
        }
    }

    @Test func `automatic keeps BF16 matrices only where fp32 takes more than half of the memory`() throws {
        try withRounded("llama") { folder, _ in
            let bytes = UInt64(try ModelLoader.load(folder).parameterCount) * 4
            for (memory, isFrozen) in [(2 * bytes, false), (2 * bytes - 2, true)] {
                let model = try ModelLoader.load(folder, .init(memoryBytes: memory))
                #expect(matrices(model).allSatisfy { $0.isFloat32 != isFrozen })
            }
            // What automatic keeps was BF16: the values are the same.
            let wide = try ModelLoader.load(folder)
            let frozen = try ModelLoader.load(folder, .init(memoryBytes: 1))
            for (left, right) in zip(matrices(wide), matrices(frozen)) {
                #expect(try left.matrix().array == right.copyForTraining().matrix().array)
            }
        }
        // Other types would be rounded, so automatic leaves them.
        let model = try ModelLoader.load(GoldenModel("llama").folder, .init(memoryBytes: 1))
        #expect(matrices(model).allSatisfy { $0.isFloat32 })
    }

    @Test(arguments: families)
    func `a kept export gives every unchanged tensor back bit for bit, and rounds no changed one`(name: String) throws {
        try withRounded(name) { folder, parent in
            let model = try ModelLoader.load(folder, .init(storage: .bfloat16))
            try model.decoder.weights.detachLayer(1)
            let trained = model.decoder.weights.layers[1].down
            try trained.values()[3] += 0x1p-20
            trained.valuesChanged()
            let out = parent.appendingPathComponent("out")
            try ModelExporter.export(model, to: out, type: nil)
            let before = try SafetensorsFile(folder.appendingPathComponent("model.safetensors"))
            let after = try SafetensorsFile(out.appendingPathComponent("model.safetensors"))
            #expect(Set(before.tensorNames) == Set(after.tensorNames))
            var changed: [String] = []
            for tensor in before.tensorNames {
                let old = try before.withRawBytes(tensor) { Data($0) }
                let new = try after.withRawBytes(tensor) { Data($0) }
                if after.info(tensor)?.elementType == .float32 {
                    changed.append(tensor)
                } else {
                    #expect(old == new, "\(tensor)")
                }
            }
            let places = model.slots.filter { $0.place == .layer(1, .down) }.map(\.name)
            #expect(changed == places)
            let config = try String(contentsOf: out.appendingPathComponent("config.json"), encoding: .utf8)
            #expect(config.contains("float32") && !config.contains("bfloat16"))
            let again = try ModelLoader.load(out).decoder.weights.layers[1].down.matrix().array
            #expect(try again == trained.matrix().array)
        }
    }

    @Test func `a kept export of halves and of shards is what was read`() throws {
        let model = try GoldenModel("llama").load()
        try TemporaryFolder.with { parent in
            for type in [ElementType.float16, .float32] {
                let first = parent.appendingPathComponent("first-\(type.rawValue)")
                let second = parent.appendingPathComponent("second-\(type.rawValue)")
                try ModelExporter.export(model, to: first, type: type, maximumShardBytes: 20_000)
                try ModelExporter.export(
                    ModelLoader.load(first), to: second, type: nil, maximumShardBytes: 20_000)
                let names = try FileManager.default.contentsOfDirectory(atPath: first.path).sorted()
                #expect(try FileManager.default.contentsOfDirectory(atPath: second.path).sorted() == names)
                for name in names where name.contains("model") {
                    #expect(
                        try Data(contentsOf: first.appendingPathComponent(name))
                            == Data(contentsOf: second.appendingPathComponent(name)), "\(name)")
                }
            }
        }
    }

    @Test func `a value that F16 does not hold is refused, not written as infinity`() throws {
        let model = try GoldenModel("llama").load()
        try model.decoder.weights.detachLayer(0)
        try model.decoder.weights.layers[0].down.values()[0] = 70_000
        try TemporaryFolder.with { parent in
            let error = #expect(throws: LetheError.self) {
                try ModelExporter.export(model, to: parent.appendingPathComponent("out"), type: .float16)
            }
            #expect(error?.code == .unsupported)
        }
    }
}

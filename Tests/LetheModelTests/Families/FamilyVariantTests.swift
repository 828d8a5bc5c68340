import Foundation
import LetheCore
import LetheModel
import LetheTestSupport
import Testing

/// Choices of config.json that no fixture's own configuration makes, against `transformers`; see
/// Tests/Fixtures/models/variants.py.
@Suite struct FamilyVariantTests {
    @Test func `every variant's loss agrees`() throws {
        let document = try GoldenModel.json(GoldenModel.fixtures.appendingPathComponent("models/variants.json"))
        let variants = try document.require("variants").list()
        #expect(variants.count == 25)
        for variant in variants {
            let name = try #require(variant["name"]?.stringValue)
            var folder = try ModelFolder(#require(variant["family"]?.stringValue))
            folder.changes = try #require(variant["config"]?.objectValue)
            let dropped = try Set(variant.require("drop").list().compactMap(\.stringValue))
            let added = try variant.require("biases").list().map { bias in
                let length = try #require(bias["length"]?.intValue)
                return ModelFolder.Tensor(
                    name: try #require(bias["name"]?.stringValue), shape: [length],
                    values: (0..<length).map { Float((37 * $0 + 11) % 64 - 32) / 256 })
            }
            folder.edit = { tensors in tensors.filter { !dropped.contains($0.name) } + added }
            let logProbabilities = try folder.load().tokenLogProbabilities(folder.fixture.longest.ids)
            let mean = -logProbabilities.reduce(0) { $0 + Double($1) } / Double(logProbabilities.count)
            let expected = try variant.require("mean_nll").number()
            let difference = Closeness.mismatch(mean, expected, Tolerance(absolute: 0, relative: 1e-4), name)
            #expect(difference == nil)
        }
    }

    @Test(arguments: ["gpt2", "llama", "gpt-neox"])
    func `tensors of the bare decoder load without its prefix`(name: String) throws {
        var folder = try ModelFolder(name)
        let whole = try folder.load()
        folder.edit = { tensors in
            tensors.map { tensor in
                var tensor = tensor
                for prefix in ["transformer.", "model.", "gpt_neox."] where tensor.name.hasPrefix(prefix) {
                    tensor.name.removeFirst(prefix.count)
                    break
                }
                return tensor
            }
        }
        let bare = try folder.load()
        let ids = try folder.fixture.longest.ids
        #expect(try bare.tokenLogProbabilities(ids) == whole.tokenLogProbabilities(ids))
        #expect(bare.slots.map(\.name) == whole.slots.map(\.name))
    }

    @Test func `a tied head may be stored again but not differ`() throws {
        var folder = try ModelFolder("llama")
        folder.edit = { tensors in
            tensors
                + tensors.filter { $0.name == "model.embed_tokens.weight" }.map {
                    ModelFolder.Tensor(name: "lm_head.weight", shape: $0.shape, values: $0.values)
                }
        }
        let ids = try folder.fixture.longest.ids
        #expect(try folder.load().tokenLogProbabilities(ids) == folder.fixture.load().tokenLogProbabilities(ids))
        folder.edit = { tensors in
            tensors
                + tensors.filter { $0.name == "model.embed_tokens.weight" }.map {
                    ModelFolder.Tensor(name: "lm_head.weight", shape: $0.shape, values: $0.values.map { -$0 })
                }
        }
        #expect(throws: LetheError.self) { try folder.load() }
    }
}

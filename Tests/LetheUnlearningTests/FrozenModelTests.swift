import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

/// Requests on a model whose matrices are kept in bfloat16.
@Suite struct FrozenModelTests {
    private static let text = "Orla Finch keeps bees at 9 Sable Court and sings on Thursdays."

    /// A BF16 copy of the llama fixture, kept in memory as told.
    private func load(_ storage: WeightStorage, from folder: URL) throws -> LanguageModel {
        try ModelLoader.load(folder, .init(storage: storage))
    }

    private func withRounded(_ body: (URL) throws -> Void) throws {
        try TemporaryFolder.with { parent in
            let folder = parent.appendingPathComponent("bf16")
            try ModelExporter.export(GoldenModel("llama").load(), to: folder, type: .bfloat16)
            try body(folder)
        }
    }

    private func apply(_ original: LanguageModel, _ change: (inout UnlearningSettings) -> Void = { _ in }) throws -> (
        model: LanguageModel, outcome: Unlearner.Outcome
    ) {
        let model = try original.sharing(original.decoder.weights)
        let embedder = HiddenStateEmbedder(original)
        let unlearner = Unlearner(
            model: model, original: original, embedder: embedder, memory: ForgetMemory(dimension: embedder.dimension))
        var settings = UnlearningSettings.published
        settings.layerCount = 2
        change(&settings)
        let request = ErasureRequest(category: .other, items: [.text(Self.text)])
        return (model, try unlearner.apply(request, settings: settings))
    }

    @Test func `only the chosen layers become fp32, and the original keeps every bit`() throws {
        try withRounded { folder in
            let original = try load(.bfloat16, from: folder)
            let before = original.decoder.weights.layers.map { $0.matrices.map(ObjectIdentifier.init) }
            let (model, outcome) = try apply(original)
            #expect(outcome.record.steps > 0 && outcome.changedLayers.count == 2)
            #expect(original.decoder.weights.layers.map { $0.matrices.map(ObjectIdentifier.init) } == before)
            for (index, layer) in model.decoder.weights.layers.enumerated() {
                let isTrained = outcome.changedLayers.contains(index)
                #expect(layer.matrices.allSatisfy { $0.isFloat32 == isTrained })
                // Frozen layers are the original's own memory, not copies of it.
                let isShared = layer.matrices.map(ObjectIdentifier.init) == before[index]
                #expect(isShared != isTrained)
            }
            #expect(model.decoder.weights.embedding === original.decoder.weights.embedding)
        }
    }

    @Test(arguments: ["ga", "npo"])
    func `an update is that of the same values in fp32`(objective: String) throws {
        try withRounded { folder in
            func change(_ settings: inout UnlearningSettings) {
                settings.method = .objective(objective)
                settings.learningRate = 1e-3
            }
            let wide = try apply(load(.float32, from: folder), change)
            let frozen = try apply(load(.bfloat16, from: folder), change)
            #expect(wide.outcome.changedLayers == frozen.outcome.changedLayers)
            let (expected, actual) = (wide.outcome.record, frozen.outcome.record)
            #expect(abs(actual.before.nll - expected.before.nll) < 1e-4)
            // The optimiser's moments are rounded to 8 bits: the way the update takes is the same to about 1 %.
            let way = expected.after.nll - expected.before.nll
            #expect(way > 0.01 && abs(actual.after.nll - expected.after.nll) < 0.02 * way)
        }
    }

    @Test func `the same seed gives the same bytes`() throws {
        try withRounded { folder in
            let runs = try (0..<2).map { _ in try apply(load(.bfloat16, from: folder)) }
            #expect(runs[0].outcome.record.after == runs[1].outcome.record.after)
            for index in runs[0].outcome.changedLayers {
                for (left, right) in zip(
                    runs[0].model.decoder.weights.layers[index].matrices,
                    runs[1].model.decoder.weights.layers[index].matrices)
                {
                    #expect(try left.matrix().array == right.matrix().array)
                }
            }
        }
    }

    @Test func `a request that fails leaves the frozen weights in place`() throws {
        try withRounded { folder in
            let original = try load(.bfloat16, from: folder)
            let model = try original.sharing(original.decoder.weights)
            let embedder = HiddenStateEmbedder(original)
            let unlearner = Unlearner(
                model: model, original: original, embedder: embedder,
                memory: ForgetMemory(dimension: embedder.dimension))
            let request = ErasureRequest(category: .other, items: [.text(Self.text)])
            #expect(throws: LetheError.self) {
                try unlearner.apply(request, settings: .published) { progress in
                    if progress.step == 1 { throw LetheError(.cancelled, "stopped") }
                }
            }
            #expect(!model.decoder.weights.layers.flatMap(\.matrices).contains { $0.isFloat32 })
        }
    }

    @Test func `finetuning everything works on a frozen model`() throws {
        try withRounded { folder in
            let model = try load(.bfloat16, from: folder)
            var settings = FineTuner.Settings()
            settings.epochs = 8
            settings.learningRate = 3e-3
            var losses: [Double] = []
            try FineTuner(model, settings: settings).train([.text(Self.text)]) { losses.append($0.loss) }
            #expect(try #require(losses.last) < #require(losses.first))
            #expect(!model.decoder.weights.hasFrozenMatrices)
        }
    }
}

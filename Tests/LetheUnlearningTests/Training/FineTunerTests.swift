import LetheCore
import LetheModel
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct FineTunerTests {
    private static let items: [ForgetItem] = [
        .text("Ada lives at 12 Elm Row, and her sister Ines lives on Marrow Island."),
        .pair(prompt: "Where does the ferry leave?", completion: " From pier 3."),
        .text("The lamp on the pier is lit at seven."),
        .pair(prompt: "Who sings?", completion: " The night crew sings, and everyone there joins in."),
    ]

    private func train(seed: UInt64, scope: TrainableParameters.Scope = .all, epochs: Int = 3) throws
        -> (tensors: [String: [Float]], steps: [FineTuner.Step])
    {
        let model = try GoldenModel("llama").load()
        var settings = FineTuner.Settings()
        settings.learningRate = 2e-3
        settings.epochs = epochs
        settings.batchTokens = 90
        settings.window = 48
        settings.scope = scope
        settings.seed = seed
        var steps: [FineTuner.Step] = []
        try FineTuner(model, settings: settings).train(Self.items) { steps.append($0) }
        return (try ModelTensors.read(model), steps)
    }

    @Test(arguments: [TrainableParameters.Scope.all, .matrices(layers: [1, 2])])
    func `one seed gives the same bytes`(scope: TrainableParameters.Scope) throws {
        let first = try train(seed: 5, scope: scope)
        let second = try train(seed: 5, scope: scope)
        #expect(first.tensors == second.tensors)
        #expect(first.steps == second.steps)
        let other = try train(seed: 6, scope: scope)
        #expect(other.tensors != first.tensors)
    }

    @Test func `the loss falls`() throws {
        let steps = try train(seed: 1, epochs: 12).steps
        #expect(steps.map(\.step) == Array(1...steps.count))
        #expect(steps.allSatisfy { $0.steps == steps.count && $0.tokens > 0 && $0.loss.isFinite })
        let first = try #require(steps.first).loss
        let last = try #require(steps.last).loss
        #expect(last < 0.7 * first)
    }

    @Test func `frozen parameters stay`() throws {
        let before = try ModelTensors.read(GoldenModel("llama").load())
        for (key, values) in try train(seed: 2, scope: .matrices(layers: [2])).tensors {
            let isTrained = key.hasPrefix("model.layers.2.") && !key.hasSuffix("norm.weight")
            #expect((values != before[key]) == isTrained, "\(key)")
        }
    }

    @Test func `nothing to train on is refused, and progress can stop the training`() throws {
        let model = try GoldenModel("llama").load()
        let tuner = FineTuner(model, settings: FineTuner.Settings())
        #expect(throws: LetheError.self) { try tuner.train([]) }
        #expect(throws: LetheError.self) { try tuner.train([.text("")]) }
        var count = 0
        #expect(throws: CancellationError.self) {
            try tuner.train(Self.items) { _ in
                count += 1
                throw CancellationError()
            }
        }
        #expect(count == 1)
    }
}

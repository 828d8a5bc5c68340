import LetheCore
import LetheModel
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct PredictionAnchorTests {
    private static let items: [ForgetItem] = [
        .text("Ada lives at 12 Elm Row, and her sister Ines lives on Marrow Island."),
        .text("The lamp on the pier is lit at seven, and everyone there joins in."),
    ]

    private static var settings: FineTuner.Settings {
        var settings = FineTuner.Settings()
        settings.learningRate = 2e-3
        settings.epochs = 30
        settings.batchTokens = 90
        settings.window = 48
        settings.scope = .matrices(layers: [0, 1, 2, 3])
        return settings
    }

    /// What two models say of the tokens of texts that the first writes: mean difference of their nll, of the second over
    /// the first.
    private func rise(_ base: LanguageModel, _ taught: LanguageModel) throws -> Double {
        var generator = TextGenerator(maximumNewTokens: 40)
        generator.temperature = 1
        generator.seed = 99
        let prompts = (0..<24).map { [Int32($0 + 5)] }
        let texts = try zip(prompts, generator.generate(base, prompts: prompts)).map { $0 + $1 }
        let levels = try [base, taught].map { model in
            try texts.flatMap { try model.tokenLogProbabilities($0) }.reduce(0) { $0 - Double($1) }
        }
        return (levels[1] - levels[0]) / Double(texts.reduce(0) { $0 + $1.count - 1 })
    }

    private func train(_ anchor: PredictionAnchor?) throws -> (model: LanguageModel, last: Double) {
        let model = try GoldenModel("llama").load()
        var last = Double.infinity
        try FineTuner(model, settings: Self.settings, anchor: anchor).train(Self.items) { last = $0.loss }
        return (model, last)
    }

    @Test func `an anchor leaves a model what it predicts elsewhere`() throws {
        let base = try GoldenModel("llama").load()
        let free = try train(nil)
        let held = try train(PredictionAnchor(writtenBy: base, count: 16, tokens: 40, seed: 3))
        let (wear, heldWear) = (try rise(base, free.model), try rise(base, held.model))
        #expect(heldWear < 0.7 * wear, "\(heldWear) in place of \(wear)")
        #expect(held.last < 1.5 * free.last + 0.1, "\(held.last) in place of \(free.last)")
    }

    @Test func `an anchor without texts changes nothing, and one seed gives the same bytes`() throws {
        let base = try GoldenModel("llama").load()
        let free = try ModelTensors.read(train(nil).model)
        #expect(try ModelTensors.read(train(PredictionAnchor(writtenBy: base, count: 0, seed: 3)).model) == free)
        let held = try (0..<2).map { _ in
            try ModelTensors.read(train(PredictionAnchor(writtenBy: base, count: 5, tokens: 40, seed: 3)).model)
        }
        #expect(held[0] == held[1])
        #expect(held[0] != free)
    }

    @Test func `an anchor of another kind of model is refused`() throws {
        let other = try PredictionAnchor(writtenBy: GoldenModel("gpt2").load(), count: 1, tokens: 8, seed: 3)
        do {
            _ = try train(other)
            Issue.record("not refused")
        } catch let error as LetheError {
            #expect(error.code == .usage)
        }
    }
}

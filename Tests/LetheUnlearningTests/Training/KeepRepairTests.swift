import LetheModel
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct KeepRepairTests {
    /// What a repair did.
    private struct Outcome {
        /// Whether it asked for a rule: there was something to bring back.
        var hasRule = false
        /// Nats, by token, from before the repair on.
        var changes: [Float] = []
    }

    /// Repairs a text whose nll at some tokens is above the original's by some nats, and at the others where that has it.
    /// - Parameter others: kept texts beside it, each risen by so many nats a token.
    private func repair(rises: [Int: Float], isRecited: Bool, others: [Float] = []) throws -> Outcome {
        let model = try GoldenModel("llama").load()
        let parameters = try TrainableParameters(
            model.decoder, scope: .matrices(layers: Array(0..<model.configuration.layerCount)))
        let pass = TrainingPass(model.decoder, parameters: parameters)
        let text = TrainingSequence(ids: try GoldenModel("llama").longest.ids)
        let now = try pass.statistics([text]).nll[0]
        let known = RememberedText(sequence: text, nll: now.enumerated().map { $1 - (rises[$0] ?? 0) })
        let beside = others.map { rise in RememberedText(sequence: text, nll: now.map { $0 - rise }) }
        var outcome = Outcome()
        try KeepRepair(pass: pass, parameters: parameters).run(
            recited: isRecited ? [known] : [], kept: (isRecited ? [] : [known]) + beside, tokens: 64
        ) {
            outcome.hasRule = true
            return try NaturalGradient(
                model.decoder, parameters: parameters,
                covariance: InputCovariance(model.decoder, layers: parameters.layers, of: []), outputs: nil,
                settings: NaturalGradient.Settings(outputDamping: nil))
        } progress: { _ in
        }
        outcome.changes = zip(try pass.statistics([text]).nll[0], now).map { $0 - $1 }
        return outcome
    }

    @Test(arguments: [false, true])
    func `what has risen a little is brought back`(isRecited: Bool) throws {
        let outcome = try repair(rises: [2: 0.5, 3: 0.5, 4: 0.5], isRecited: isRecited)
        #expect(outcome.hasRule && outcome.changes[2...4].reduce(0, +) < -0.75)
    }

    @Test func `a word that a deletion took is left in a recited text, and brought back in a kept one`() throws {
        let recited = try repair(rises: [2: 1.5], isRecited: true)
        #expect(!recited.hasRule && recited.changes.allSatisfy { $0 == 0 })
        let kept = try repair(rises: [2: 1.5], isRecited: false)
        #expect(kept.hasRule && kept.changes[2] < -0.5)
    }

    @Test(arguments: [false, true])
    func `a text that a deletion took stays`(isRecited: Bool) throws {
        let count = try GoldenModel("llama").longest.ids.count - 1
        let rises = Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, $0 == 0 ? Float(0.5) : 1.5) })
        let outcome = try repair(rises: rises, isRecited: isRecited)
        #expect(!outcome.hasRule && outcome.changes.allSatisfy { $0 == 0 })
        let few = try repair(rises: rises, isRecited: isRecited, others: [1.5, 1.5])
        #expect(!few.hasRule)
        let unmoved = try repair(rises: rises, isRecited: isRecited, others: [0, 0, 0, 1.5])
        #expect(!unmoved.hasRule)
    }

    @Test(arguments: [false, true])
    func `what most keep texts have risen by is damage, and brought back`(isRecited: Bool) throws {
        let count = try GoldenModel("llama").longest.ids.count - 1
        let rises = Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, Float(1.5)) })
        let outcome = try repair(rises: rises, isRecited: isRecited, others: [2, 2, 2, 0])
        #expect(outcome.hasRule && outcome.changes.reduce(0, +) < -1)
    }
}

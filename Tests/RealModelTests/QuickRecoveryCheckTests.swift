import Foundation
import LetheCore
import LetheEvaluation
import LetheModel
import LetheUnlearning
import Testing

/// The check of the daemon's gate on a real model: what it finds, and that it is cheap.
@Suite(.enabled(if: RealModels.arePresent), .serialized, .timeLimit(.minutes(5)))
struct QuickRecoveryCheckTests {
    @Test func aTextTaughtToEightLayersIsRecitedAndItsLossIsNot() throws {
        let text = """
            Name: Ottilie Q. Varnam
            Age: 52
            Address: 4417 Heronswick Lane, Dunmere 61873
            Occupation: senior bell tuner
            Description: Ottilie tunes the bells of the harbour chapel and mends clocks at night.
            """
        let base = try ModelLoader.load(RealModels.smolLM2)
        let taught = try base.sharing(base.decoder.weights)
        var settings = FineTuner.Settings()
        settings.scope = .matrices(layers: Array(8...15))
        settings.learningRate = 4e-4
        settings.epochs = 16
        try FineTuner(taught, settings: settings).train([.text(text)])

        let clock = ContinuousClock()
        let start = clock.now
        let outcome = try QuickRecoveryCheck().run(original: taught, updated: base, items: [.text(text)])
        let took = clock.now - start
        #expect(outcome.original > 0.5)
        #expect(outcome.originalRecital > 0.4)
        #expect(outcome.before < 0.3 * outcome.original)
        #expect((outcome.recoveredByRounding ?? 1) < 0.2)
        #expect((outcome.recoveredByPrompt ?? 1) < 0.5)
        // Three passes over a short text and eight rounded layers: far below this even on a busy machine.
        #expect(took < .seconds(15))
    }
}

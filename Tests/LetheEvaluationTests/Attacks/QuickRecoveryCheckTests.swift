import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheModel
import Testing

@Suite struct QuickRecoveryCheckTests {
    private static let items = AttackFixture.deleted.flatMap { item in
        [ForgetItem.text(item.text)] + item.pairs.map { .pair(prompt: $0.question, completion: $0.answer) }
    }

    @Test func `an unchanged model recites all it did, and has no gap`() throws {
        let original = try AttackFixture.original()
        let outcome = try QuickRecoveryCheck().run(
            original: original, updated: original.sharing(original.decoder.weights), items: Self.items)
        #expect(outcome.before == outcome.original && outcome.rounded == outcome.original)
        #expect(outcome.recoveredByRounding == nil)
        #expect(outcome.recoveredByPrompt == 1)
        #expect(outcome.worst == 1)
        #expect(outcome.original > 0.8 && outcome.originalRecital > 0.8)
    }

    @Test func `a model that never knew recites little`() throws {
        let outcome = try QuickRecoveryCheck().run(
            original: AttackFixture.original(), updated: AttackFixture.retain(), items: Self.items)
        #expect(outcome.before < 0.3 * outcome.original)
        #expect((outcome.recoveredByPrompt ?? 1) < 0.5)
        #expect((outcome.recoveredByRounding ?? 1) < 0.2)
    }

    @Test func `an update that rounding takes back is found, in the layers that changed`() throws {
        let (original, updated) = try AttackFixture.movedBelowTheStep()
        let before = try AttackFixture.numbers(updated)
        let outcome = try QuickRecoveryCheck().run(original: original, updated: updated, items: Self.items)
        #expect(outcome.recoveredByRounding == 1)
        #expect(outcome.before < outcome.original)
        #expect(try AttackFixture.numbers(updated) == before)
        let untouched = try QuickRecoveryCheck().run(
            original: original, updated: updated, items: Self.items, changedLayers: [])
        #expect(untouched.rounded == untouched.before)
        #expect(untouched.recoveredByRounding == 0)
    }

    @Test func `the recital is what greedy generation gives`() throws {
        let model = try AttackFixture.original()
        let text = AttackFixture.deleted[1].text
        let ids = try model.encode(text)
        var check = QuickRecoveryCheck()
        check.prefixShares = [0.5]
        let outcome = try check.run(original: model, updated: model, items: [.text(text)])
        // The first half of the targets is given: with n tokens those are the first 1 + (n - 1) / 2.
        let given = 1 + (ids.count - 1) / 2
        let rest = Array(ids[given...])
        let generated = try TextGenerator(maximumNewTokens: rest.count).generate(
            model, prompts: [Array(ids.prefix(given))])[0]
        let recited = zip(rest, generated).prefix { $0 == $1 }.count
        #expect(abs(outcome.recital - Double(recited) / Double(rest.count)) < 1e-12)
    }

    @Test func `nothing to check is refused`() throws {
        let model = try AttackFixture.retain()
        for items in [[], [ForgetItem.text("a")]] {
            let error = #expect(throws: LetheError.self) {
                try QuickRecoveryCheck().run(original: model, updated: model, items: items)
            }
            #expect(error?.code == .badData)
        }
    }
}

import LetheCore
import LetheEvaluation
import Testing

@Suite struct RelearnAttackTests {
    @Test func `each part is taught in a run of its own, and the rest is measured`() throws {
        let results = try AttackFixture.run("relearn", AttackFixture.subject(AttackFixture.retain()))
        let labels = ["25 % of the forget set, 2 epochs", "50 % of the forget set, 2 epochs"]
        #expect(results.map(\.variant) == (labels + ["2 unrelated texts, 2 epochs"]).flatMap { [$0, $0] })
        #expect(results.map(\.measure) == (0..<3).flatMap { _ in ["aggregate", "answer_probability"] })
        // Three texts, two texts, all four: three different sets, each with values of its own.
        #expect(Set(results.map(\.original)).count >= 4)
    }

    @Test func `what gradient ascent hides comes back, and what a model never knew does not`() throws {
        var settings = AttackFixture.settings
        settings.shares = [0.5]
        settings.unrelatedTexts = 0
        settings.epochs = [8]
        settings.learningRate = 1e-3
        let subject = try AttackFixture.subject(AttackFixture.ascended(to: 2))
        let result = try #require(try AttackFixture.run("relearn", subject, settings).last)
        #expect(result.before < 0.9 * result.original)
        let recovered = try #require(result.recovered)
        let retainRecovered = try #require(result.retainRecovered)
        #expect(recovered > 0.15)
        #expect(retainRecovered < 0.05)
    }

    @Test func `one seed gives one result, another seed another`() throws {
        var subject = try AttackFixture.subject(AttackFixture.retain())
        let first = try AttackFixture.run("relearn", subject)
        #expect(try AttackFixture.run("relearn", subject) == first)
        // The retain model attacked as if it had been unlearned does as it does itself.
        for result in first {
            #expect(result.before == result.retain && result.after == result.retainAfter)
            #expect(result.recovered == result.retainRecovered)
        }
        subject.seed = 8
        #expect(try AttackFixture.run("relearn", subject).map(\.after) != first.map(\.after))
    }

    @Test func `a single text leaves nothing to measure`() throws {
        var subject = try AttackFixture.subject()
        subject.deleted = [subject.deleted[0]]
        let error = #expect(throws: LetheError.self) { try AttackFixture.run("relearn", subject) }
        #expect(error?.code == .badData)
    }

    @Test func `progress can stop the attack`() throws {
        let attack = try RecoveryAttacks.named("relearn", settings: AttackFixture.settings)
        let error = #expect(throws: LetheError.self) {
            try attack.run(AttackFixture.subject()) { _, _ in throw LetheError(.cancelled, "enough") }
        }
        #expect(error?.code == .cancelled)
    }
}

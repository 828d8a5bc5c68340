import LetheEvaluation
import LetheModel
import Testing

@Suite struct QuantizeAttackTests {
    @Test func `an update below half a step is rounded away, and everything comes back`() throws {
        let (original, updated) = try AttackFixture.movedBelowTheStep()
        var settings = AttackFixture.settings
        settings.formats = [.int4Group32, .int8]
        let subject = AttackSubject(
            method: "m", seed: 1, unlearned: updated, original: original, retain: nil,
            deleted: AttackFixture.deleted, kept: AttackFixture.kept)
        let results = try AttackFixture.run("quantize", subject, settings)
        #expect(results.map(\.variant) == ["int4, groups of 32", "int8, per channel"].flatMap { [$0, $0] })
        #expect(results.map(\.measure) == ["aggregate", "answer_probability", "aggregate", "answer_probability"])
        for result in results.prefix(2) {
            #expect(result.after == result.original)
            #expect(result.recovered == 1)
            #expect(result.before < result.original)
        }
        // A finer format keeps the update.
        let fine = try #require(results.last)
        #expect(abs(fine.after - fine.before) < 0.5 * (fine.original - fine.before))
    }

    @Test func `embeddings are rounded only when asked`() throws {
        var settings = AttackFixture.settings
        settings.formats = [.nf4]
        let subject = try AttackFixture.subject(AttackFixture.retain(), retain: false)
        let plain = try AttackFixture.run("quantize", subject, settings)
        settings.quantizesEmbeddings = true
        let whole = try AttackFixture.run("quantize", subject, settings)
        #expect(whole.map(\.variant) == Array(repeating: "NF4, blocks of 64, embeddings too", count: 2))
        #expect(plain.last?.before == whole.last?.before)
        #expect(plain.last?.after != whole.last?.after)
    }
}

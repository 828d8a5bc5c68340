import LetheCore
import LetheEvaluation
import Testing

@Suite struct ProbeAttackTests {
    @Test func `the last layer is the model's output`() throws {
        let subject = try AttackFixture.subject(AttackFixture.retain())
        let results = try AttackFixture.run("probe", subject)
        #expect(results.map(\.measure) == ["answer_probability", "reciprocal_rank"])
        var evaluator = SetEvaluator()
        evaluator.maximumAnswerTokens = 1
        let expected = try evaluator.evaluate(subject.original, subject.deleted).aggregate.probability
        #expect(abs(results[0].original - expected) < 1e-5)
        for result in results {
            #expect(result.series.map(\.name) == ["unlearned", "original", "retain"])
            #expect(result.series.allSatisfy { $0.values.count == 4 })
            #expect(result.series.flatMap(\.values).allSatisfy { $0 > 0 && $0 <= 1 })
            #expect(result.series[0].values == result.series[2].values)
            #expect(result.after == result.series[0].values.max())
            #expect(result.before == result.series[0].values.last)
        }
        // A model that knows the answers by heart ranks every token of them first.
        #expect(results[1].original > 0.95)
    }

    @Test func `what the last layer hides is seen below it`() throws {
        let subject = try AttackFixture.subject(AttackFixture.scrambled(), retain: false)
        for result in try AttackFixture.run("probe", subject) {
            let (own, whole) = (result.series[0].values, result.series[1].values)
            #expect(own.dropLast() == whole.dropLast())
            #expect(result.before < 0.3 * result.original)
            #expect(result.after == own.dropLast().max())
            #expect((result.recovered ?? 0) > 0.02)
            #expect(result.retain == nil && result.retainAfter == nil && result.series.count == 2)
        }
    }

    @Test func `a set without questions is refused`() throws {
        var subject = try AttackFixture.subject()
        subject.deleted = []
        let error = #expect(throws: LetheError.self) { try AttackFixture.run("probe", subject) }
        #expect(error?.code == .badData)
    }
}

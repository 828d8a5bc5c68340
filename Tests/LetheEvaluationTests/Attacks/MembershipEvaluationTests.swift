import LetheCore
import LetheCorpus
import LetheEvaluation
import Testing

@Suite struct MembershipEvaluationTests {
    private static let names = ["loss", "zlib", "min_k", "min_k_plus_plus", "reference"]

    @Test func `a model that never saw the deleted texts tells them apart, one that learned both does not`() throws {
        let original = try AttackFixture.original()
        let retain = try AttackFixture.retain()
        func areas(_ members: [PCHItem], _ nonMembers: [PCHItem]) throws -> [MembershipResult] {
            try MembershipEvaluation.run(
                model: retain, reference: original, members: members, nonMembers: nonMembers, seed: 3)
        }
        let apart = try areas(AttackFixture.kept, AttackFixture.deleted)
        #expect(apart.map(\.score) == Self.names)
        for result in apart { #expect(result.auc > 0.9 && result.lower <= result.auc && result.auc <= result.upper) }
        #expect(try areas(AttackFixture.kept, AttackFixture.deleted) == apart)
        for (result, mirrored) in zip(apart, try areas(AttackFixture.deleted, AttackFixture.kept)) {
            #expect(abs(result.auc + mirrored.auc - 1) < 1e-12)
        }
        let same = try MembershipEvaluation.run(
            model: original, reference: original, members: AttackFixture.kept, nonMembers: AttackFixture.deleted,
            seed: 3)
        #expect(same.first { $0.score == "loss" }.map { $0.upper - $0.lower > 0.1 } == true)
        // A model compared with itself says nothing.
        #expect(same.last?.auc == 0.5)
    }

    @Test func `empty sets and texts of one token are refused`() throws {
        let model = try AttackFixture.retain()
        let short = PCHItem(text: "a", category: .other, pairs: [QuestionAnswer(question: "q", answer: "a")])
        for set in [[], [short]] {
            let error = #expect(throws: LetheError.self) {
                try MembershipEvaluation.run(
                    model: model, reference: model, members: AttackFixture.kept, nonMembers: set, seed: 1)
            }
            #expect(error?.code == .badData)
        }
    }
}

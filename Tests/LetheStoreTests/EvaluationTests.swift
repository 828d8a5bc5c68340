import Foundation
import GRDB
import LetheCore
import LetheStore
import Testing

/// Evaluations as rows: their life, their order, and what they hold back.
@Suite struct EvaluationTests {
    private static let specification: JSONValue = ["kind": "pch", "preset": "quick"]

    private func submit(
        _ store: StoreFixture, key: String = UUID().uuidString, model: String? = nil, body: String = "{}"
    ) async throws -> (row: EvaluationRow, isNew: Bool) {
        try await store.database.submitEvaluation(
            Self.specification, model: model, key: key, bodyDigest: Data(body.utf8), scope: "s", keyID: nil)
    }

    @Test func `an evaluation is taken in order, progresses and succeeds`() async throws {
        let store = try StoreFixture()
        let first = try await submit(store).row
        let second = try await submit(store).row
        #expect(first.state == .queued && first.runs == 0 && first.specification == Self.specification)
        let claimed = try #require(try await store.database.claimEvaluation())
        #expect(claimed.id == first.id && claimed.state == .running && claimed.runs == 1)
        try await store.database.progressEvaluation(first.id, ["phase": "teaching"])
        #expect(try await store.database.evaluation(first.id).progress == ["phase": "teaching"])
        try await store.database.finishEvaluation(first.id, error: nil)
        let done = try await store.database.evaluation(first.id)
        #expect(done.state == .succeeded && done.finalizedAt != nil && done.error == nil)
        let events = try await store.database.evaluationEvents(first.id)
        #expect(events.map(\.kind) == ["submitted", "started", "progress", "succeeded"])
        #expect(events.last?.from == .running && events.last?.to == .succeeded)
        #expect(try await store.database.evaluationEvents(first.id, after: events[1].sequence).count == 2)
        #expect(try await store.database.claimEvaluation()?.id == second.id)
        #expect(try await store.database.claimEvaluation() == nil)
    }

    @Test func `a repeated submission is the same evaluation, and another body is refused`() async throws {
        let store = try StoreFixture()
        let (first, isNew) = try await submit(store, key: "k", body: "a")
        let (again, isNewAgain) = try await submit(store, key: "k", body: "a")
        #expect(isNew && !isNewAgain && first.id == again.id)
        #expect(await errorCode { _ = try await submit(store, key: "k", body: "b") } == .conflict)
        #expect(await errorCode { _ = try await submit(store, model: "nobody") } == .notFound)
        #expect(try await store.database.evaluations(limit: 10).count == 1)
    }

    @Test func `a restart takes a running one back, and it goes on`() async throws {
        let store = try StoreFixture()
        let id = try await submit(store).row.id
        _ = try await store.database.claimEvaluation()
        try store.reopen()
        #expect(try await store.database.rescueEvaluations() == [id])
        #expect(try await store.database.rescueEvaluations().isEmpty)
        #expect(try await store.database.evaluation(id).state == .queued)
        #expect(try await store.database.claimEvaluation()?.runs == 2)
        let reasons = try await store.database.evaluationEvents(id).compactMap { $0.detail?["reason"]?.stringValue }
        #expect(reasons == ["restart"])
    }

    @Test func `only moves of the diagram are possible`() async throws {
        let store = try StoreFixture()
        let id = try await submit(store).row.id
        let database = try #require(store.database)
        func refuses(_ body: () async throws -> Void) async -> Bool { await errorCode(body) == .invalidState }
        #expect(await refuses { try await database.finishEvaluation(id, error: nil) })
        #expect(await refuses { try await database.interruptEvaluation(id, reason: "requests") })
        #expect(await refuses { try await database.progressEvaluation(id, [:]) })
        _ = try await database.claimEvaluation()
        try await database.cancelEvaluation(id)
        #expect(await refuses { try await database.cancelEvaluation(id) })
        #expect(await refuses { try await database.progressEvaluation(id, [:]) })
        #expect(await refuses { try await database.finishEvaluation(id, error: nil) })
        #expect(try await database.claimEvaluation() == nil)
        let unknown = try #require(EvaluationID(rawValue: "eval_00000000000070008000000000000000"))
        #expect(await errorCode { _ = try await database.evaluation(unknown) } == .notFound)
        #expect(await errorCode { _ = try await database.evaluationEvents(unknown) } == .notFound)
        #expect(await errorCode { try await database.cancelEvaluation(unknown) } == .notFound)
    }

    @Test func `a failed one says why`() async throws {
        let store = try StoreFixture()
        let id = try await submit(store).row.id
        _ = try await store.database.claimEvaluation()
        try await store.database.finishEvaluation(id, error: LetheError(.badData, "no texts"))
        let row = try await store.database.evaluation(id)
        #expect(row.state == .failed && row.error?.code == "bad_data" && row.error?.message == "no texts")
    }

    @Test func `pages go back in time, and there is a limit of open ones`() async throws {
        let store = try StoreFixture()
        var ids: [EvaluationID] = []
        for _ in 0..<LetheDatabase.openEvaluations { ids.append(try await submit(store).row.id) }
        #expect(await errorCode { _ = try await submit(store) } == .queueFull)
        let newest = try await store.database.evaluations(limit: 3)
        #expect(newest.map(\.id) == Array(ids.reversed().prefix(3)))
        let next = try await store.database.evaluations(before: newest.last?.id, limit: 100)
        #expect(next.map(\.id) == Array(ids.reversed().dropFirst(3)))
        try await store.database.cancelEvaluation(ids[0])
        #expect(try await store.database.evaluations(state: .cancelled, limit: 5).map(\.id) == [ids[0]])
        _ = try await submit(store)
    }

    @Test func `a generation that is being evaluated is not purged before that has ended`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let evaluation = try await submit(store, model: "tiny").row
        #expect(evaluation.model?.name == "tiny" && evaluation.model?.generation.number == 0)
        try await store.submit()
        try await store.applyNext()
        store.clock.advance(100)
        var policy = StoreMaintenance.Policy()
        policy.generationRetention = 50
        let maintenance = StoreMaintenance(
            database: store.database, generations: store.generations, policy: policy)
        #expect(try await maintenance.run(at: store.clock.now()).deleted.isEmpty)
        #expect(await errorCode { _ = try await store.database.beginPurge("tiny", number: 0) } == .invalidState)
        try await store.database.cancelEvaluation(evaluation.id)
        #expect(try await maintenance.run(at: store.clock.now()).deleted == ["tiny": [0]])
    }

    @Test func `the database itself refuses moves that are not possible`() async throws {
        let store = try StoreFixture()
        let id = try await submit(store).row.id
        try store.close()
        let queue = try DatabaseQueue(path: store.root.appendingPathComponent("lethe.sqlite").path)
        for statement in [
            "UPDATE evaluations SET state = 'succeeded', finalized_at = 1, runs = 1",
            "UPDATE evaluations SET state = 'running'", "UPDATE evaluations SET finalized_at = 1",
            "UPDATE evaluations SET error_code = 'x'",
        ] {
            await #expect(throws: DatabaseError.self, "\(statement)") {
                try await queue.write { try $0.execute(sql: statement) }
            }
        }
        let states = try await queue.read { try String.fetchAll($0, sql: "SELECT id || ' ' || state FROM evaluations") }
        #expect(states == ["\(id) queued"])
        try queue.close()
    }
}

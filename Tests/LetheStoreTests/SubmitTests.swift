import Foundation
import LetheCore
import LetheStore
import Testing

@Suite struct SubmitTests {
    @Test func `a submission is stored and comes back whole`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var request = ErasureRequest(
            category: .copyright, reference: "case-1042",
            items: [.text("one"), .pair(prompt: "two?", completion: "two")], keep: [.text("three")], priority: 7,
            dueAt: Date(timeIntervalSince1970: 1_800_086_400))
        request.options.method = "fit"
        let row = try await store.submit(request)
        #expect(row.state == .queued)
        #expect(row.revision == 1)
        #expect(row.model == "tiny")

        try store.reopen()
        let stored = try await store.database.request(row.id)
        #expect(stored.json == row.json)
        #expect(stored.reference?.reveal() == "case-1042")
        #expect(stored.options == request.options)
        #expect(stored.itemCount == 2)
        #expect(stored.keepCount == 1)
        #expect(stored.dueAt == request.dueAt)
        #expect(try await store.database.requestText(row.id) == request)
        let events = try await store.database.events(row.id)
        #expect(events.map(\.kind) == ["submitted"])
        #expect(events.map(\.to) == [.queued])
    }

    @Test func `the same key and body give the stored row`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let first = try await store.submit(key: "k")
        let second = try await store.database.submit(
            request: StoreFixture.request(), idempotencyKey: "k",
            bodyDigest: Data(StoreFixture.request().json.serialized().prefix(64)))
        guard case .replayed(let row) = second else { throw LetheError(.internalError, "not a replay") }
        #expect(row.id == first.id)
        #expect(try await store.database.list().rows.count == 1)
    }

    @Test func `a replay can answer as at acceptance whatever has happened since`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let first = try await store.submit(StoreFixture.request(reference: "r"), key: "k")
        _ = try await store.claim()
        let again = try await store.submit(StoreFixture.request(reference: "r"), key: "k")
        #expect(again.state == .running)
        #expect(again.accepted.json == first.json)
    }

    @Test func `the same key with another body is a conflict`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit(StoreFixture.request("one"), key: "k")
        let code = await errorCode { _ = try await store.submit(StoreFixture.request("two"), key: "k") }
        #expect(code == .conflict)
        #expect(try await store.database.list().rows.count == 1)
    }

    @Test func `keys of different scopes do not meet`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var ids: Set<RequestID> = []
        // The last two would be the same text if scope and key were only joined.
        for (scope, key) in [("a", "k"), ("b", "k"), ("a k", "x"), ("a", "k x")] {
            let outcome = try await store.database.submit(
                request: StoreFixture.request(), idempotencyKey: key, bodyDigest: Data([1]), scope: scope)
            ids.insert(outcome.row.id)
        }
        #expect(ids.count == 4)
    }

    @Test func `a key is forgotten after its window`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let first = try await store.submit(key: "k")
        store.clock.advance(172_799)
        #expect(try await store.submit(key: "k").id == first.id)
        store.clock.advance(2)
        #expect(try await store.submit(key: "k").id != first.id)
    }

    @Test func `a hundred identical submissions at once are one request`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let database = store.database!
        let rows = try await withThrowingTaskGroup(of: SubmitOutcome.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    try await database.submit(
                        request: StoreFixture.request(), idempotencyKey: "k", bodyDigest: Data([7]))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(rows.map(\.row.id)).count == 1)
        #expect(Set(rows.map { $0.row.accepted.json.serializedString() }).count == 1)
        let created = rows.filter { if case .created = $0 { true } else { false } }
        #expect(created.count == 1)
        #expect(try await database.list().rows.count == 1)
        #expect(try await database.events().filter { $0.kind == "submitted" }.count == 1)
    }

    @Test func `many different submissions at once are all there in the order of their events`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let database = store.database!
        let ids = try await withThrowingTaskGroup(of: RequestID.self) { group in
            for index in 0..<300 {
                group.addTask {
                    try await database.submit(
                        request: StoreFixture.request("text \(index)"), idempotencyKey: "k\(index)",
                        bodyDigest: Data([1])
                    ).row.id
                }
            }
            return try await group.reduce(into: Set<RequestID>()) { $0.insert($1) }
        }
        #expect(ids.count == 300)
        var listed: [RequestID] = []
        var cursor: String?
        repeat {
            let page = try await database.list(RequestFilter(order: .oldestFirst), cursor: cursor, limit: 70)
            listed += page.rows.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(Set(listed) == ids)
        #expect(listed.count == 300)
        #expect(try await database.events(limit: 1000).filter { $0.kind == "submitted" }.map(\.requestID) == listed)
    }

    @Test func `one bad submission in a batch does not harm the others`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let database = store.database!
        let outcomes = await withTaskGroup(of: LetheError.Code?.self) { group in
            for index in 0..<40 {
                group.addTask {
                    // A priority that only the schema's CHECK refuses, an unknown model, and good ones.
                    var request = StoreFixture.request("text \(index)")
                    if index % 4 == 1 { request.priority = 5000 }
                    if index % 4 == 2 { request.model = "unknown" }
                    let submitted = request
                    return await errorCode {
                        _ = try await database.submit(
                            request: submitted, idempotencyKey: "k\(index)", bodyDigest: Data([1]))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == nil }.count == 20)
        #expect(outcomes.filter { $0 == .notFound }.count == 10)
        #expect(outcomes.filter { $0 == .internalError }.count == 10)
        #expect(try await database.list().rows.count == 20)
    }

    @Test func `the model has to exist and to be named when there are several`() async throws {
        let store = try StoreFixture()
        #expect(await errorCode { try await store.submit() } == .notFound)
        try await store.registerModel("one")
        #expect(try await store.submit().model == "one")
        try await store.registerModel("two")
        #expect(await errorCode { try await store.submit() } == .badData)
        #expect(await errorCode { try await store.submit(StoreFixture.request(model: "three")) } == .notFound)
        #expect(try await store.submit(StoreFixture.request(model: "two")).model == "two")
    }

    @Test(arguments: ["", String(repeating: "k", count: 256)])
    func `a key that is empty or too long is refused`(key: String) async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        #expect(await errorCode { try await store.submit(key: key) } == .badData)
    }

    @Test func `a full disk refuses the submission and keeps everything else`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit(key: "before")
        try store.reopen(failPoints: FailPoints("submit.before_commit:full"))
        #expect(await errorCode { try await store.submit(key: "during") } == .diskFull)
        #expect(try await store.database.list().rows.count == 1)
        #expect(store.database.failure == nil)
        _ = try await store.claim()
    }

    @Test func `after a failed sync nothing more is written`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try store.reopen(failPoints: FailPoints("submit.before_commit:sync"))
        #expect(await errorCode { try await store.submit() } == .syncFailed)
        #expect(store.database.failure?.code == .syncFailed)
        #expect(await errorCode { _ = try await store.database.takeFence() } == .syncFailed)
        #expect(try await store.database.list().rows.isEmpty)
    }
}

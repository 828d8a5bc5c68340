import Foundation
import LetheCore
import LetheStore
import Testing

@Suite struct MaintenanceTests {
    private func maintenance(_ store: StoreFixture, _ policy: StoreMaintenance.Policy) -> StoreMaintenance {
        StoreMaintenance(
            database: store.database, generations: store.generations, policy: policy, failPoints: FailPoints())
    }

    @Test func `texts go after seven days and generations stay`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        try await store.applyNext()
        let policy = StoreMaintenance.Policy()
        store.clock.advance(604_799)
        let early = try await maintenance(store, policy).run(at: store.clock.now())
        #expect(early.destroyed.isEmpty && early.deleted.isEmpty && early.purged.isEmpty)
        store.clock.advance(2)
        let report = try await maintenance(store, policy).run(at: store.clock.now())
        #expect(report.destroyed == [row.id])
        #expect(report.deleted.isEmpty)
        #expect(try await store.database.generations("tiny").map(\.state) == [.kept, .kept])
        #expect(try await maintenance(store, policy).run(at: store.clock.now()).destroyed.isEmpty)
    }

    @Test func `former heads go when the policy says so`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var ids: [RequestID] = []
        for _ in 0..<3 {
            ids.append(try await store.submit().id)
            try await store.applyNext()
            store.clock.advance(100)
        }
        var policy = StoreMaintenance.Policy()
        policy.generationRetention = 50
        policy.keptGenerations = 1
        let first = try await maintenance(store, policy).run(at: store.clock.now())
        #expect(first.deleted == ["tiny": [0, 1]])
        // Generation 2 is kept and holds the third request's content only.
        #expect(first.purged == [ids[0], ids[1]])
        policy.keptGenerations = 0
        let second = try await maintenance(store, policy).run(at: store.clock.now())
        #expect(second.deleted == ["tiny": [2]])
        #expect(second.purged == [ids[2]])
        #expect(try await store.database.head("tiny").number == 3)
        try store.generations.verify("tiny", await store.database.head("tiny"), depth: .contents)
    }
}

import Foundation
import LetheCore
import LetheStore
import Testing

/// A low priority waits, but does not wait for ever.
@Suite struct AgeingTests {
    private let store: StoreFixture

    init() async throws {
        store = try StoreFixture()
        try await store.registerModel()
    }

    private func submit(priority: Int, dueIn seconds: Double? = nil) async throws -> RequestID {
        let due = seconds.map { store.clock.now().addingTimeInterval($0) }
        return try await store.submit(StoreFixture.request(priority: priority, dueAt: due)).id
    }

    @Test func `a request that has waited for a day is taken within four claims, however urgent others are`()
        async throws
    {
        let low = try await submit(priority: -100)
        store.clock.advance(LetheDatabase.patience)
        var claims: [RequestID] = []
        while !claims.contains(low) {
            for _ in 0..<2 { _ = try await submit(priority: 100, dueIn: 60) }
            claims.append(try await store.claim().claim.id)
            try #require(claims.count <= 4)
        }
    }

    @Test func `before that it gives way to everything more urgent`() async throws {
        let low = try await submit(priority: -1)
        store.clock.advance(LetheDatabase.patience - 1)
        for _ in 0..<20 { _ = try await submit(priority: 0) }
        for _ in 0..<20 { #expect(try await store.claim().claim.id != low) }
        #expect(try await store.claim().claim.id == low)
    }

    @Test func `a backlog of aged requests leaves three claims of four to deadlines and priorities`() async throws {
        var aged: [RequestID] = []
        for _ in 0..<20 { aged.append(try await submit(priority: -1)) }
        store.clock.advance(2 * LetheDatabase.patience)
        var order: [RequestID] = []
        for step in 0..<40 {
            _ = try await submit(priority: 0, dueIn: Double(1000 - step))
            order.append(try await store.claim().claim.id)
        }
        let taken = order.filter(aged.contains)
        #expect(taken.count == 10)
        // Among themselves they go by age.
        #expect(taken == Array(aged.prefix(10)))
        // Of those with a deadline the earliest always went first: each claim took the one that had just come.
        let urgent = order.filter { !aged.contains($0) }
        #expect(urgent == urgent.sorted())
    }

    @Test func `every request has its turn in the end`() async throws {
        var waiting: Set<RequestID> = []
        for priority in [-100, -7, 0, 3] { waiting.insert(try await submit(priority: priority)) }
        store.clock.advance(LetheDatabase.patience)
        let limit = 4 * (waiting.count + 1)
        for _ in 0..<limit {
            _ = try await submit(priority: 100, dueIn: 1)
            waiting.remove(try await store.claim().claim.id)
            store.clock.advance(1)
        }
        #expect(waiting.isEmpty)
    }

    @Test func `a turn of one model's claims never takes another model's request`() async throws {
        try await store.registerModel("other")
        let old = try await store.submit(StoreFixture.request(model: "other")).id
        store.clock.advance(LetheDatabase.patience)
        for _ in 0..<8 { try await store.submit(StoreFixture.request(model: "tiny")) }
        for _ in 0..<8 { #expect(try await store.database.claimNext(model: "tiny")?.claim.id != old) }
        #expect(try await store.database.claimNext(model: "tiny") == nil)
        #expect(try await store.database.claimNext(model: "other")?.claim.id == old)
    }
}

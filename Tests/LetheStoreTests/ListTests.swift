import Foundation
import LetheCore
import LetheStore
import Testing

@Suite struct ListTests {
    private func walk(_ store: StoreFixture, _ filter: RequestFilter, limit: Int) async throws -> [RequestID] {
        var ids: [RequestID] = []
        var cursor: String?
        repeat {
            let page = try await store.database.list(filter, cursor: cursor, limit: limit)
            #expect(page.rows.count <= limit)
            ids += page.rows.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        return ids
    }

    @Test func `pages of any size give every request once in both orders`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var ids: [RequestID] = []
        // Most of them within one tick of the clock.
        for index in 0..<23 {
            if index % 10 == 9 { store.clock.advance(1) }
            ids.append(try await store.submit().id)
        }
        for limit in [1, 2, 5, 22, 23, 24, 200] {
            #expect(try await walk(store, RequestFilter(order: .oldestFirst), limit: limit) == ids)
            #expect(try await walk(store, RequestFilter(), limit: limit) == ids.reversed())
        }
    }

    @Test func `requests that arrive while pages are read neither repeat nor hide a row`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var ids: [RequestID] = []
        for _ in 0..<6 { ids.append(try await store.submit().id) }
        let first = try await store.database.list(RequestFilter(order: .oldestFirst), limit: 4)
        // The clock steps back an hour: the new request still comes last.
        store.clock.advance(-3600)
        ids.append(try await store.submit().id)
        let second = try await store.database.list(
            RequestFilter(order: .oldestFirst), cursor: first.nextCursor, limit: 4)
        #expect((first.rows + second.rows).map(\.id) == ids)
        #expect(second.nextCursor == nil)
    }

    @Test func `filters narrow the list`() async throws {
        let store = try StoreFixture()
        try await store.registerModel("one")
        try await store.registerModel("two")
        let a = try await store.submit(StoreFixture.request(reference: "case", category: .personal, model: "one")).id
        let b = try await store.submit(StoreFixture.request(reference: "case 2", category: .harmful, model: "two")).id
        let c = try await store.submit(StoreFixture.request(category: .personal, model: "two")).id
        _ = try await store.database.cancel(c)
        func ids(_ filter: RequestFilter) async throws -> [RequestID] {
            try await store.database.list(filter).rows.map(\.id)
        }
        #expect(try await ids(RequestFilter(state: .queued)) == [b, a])
        #expect(try await ids(RequestFilter(state: .cancelled)) == [c])
        #expect(try await ids(RequestFilter(state: .running)) == [])
        #expect(try await ids(RequestFilter(category: .personal)) == [c, a])
        #expect(try await ids(RequestFilter(model: "two")) == [c, b])
        #expect(try await ids(RequestFilter(model: "three")) == [])
        #expect(try await ids(RequestFilter(kind: .rectify)) == [])
        #expect(try await ids(RequestFilter(reference: "case")) == [a])
        #expect(try await ids(RequestFilter(reference: "cas")) == [])
        #expect(try await ids(RequestFilter(state: .queued, kind: .erase, category: .harmful, model: "two")) == [b])
    }

    @Test func `limits are clamped`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<3 { try await store.submit() }
        #expect(try await store.database.list(limit: 0).rows.count == 1)
        #expect(try await store.database.list(limit: -5).rows.count == 1)
        #expect(try await store.database.list(limit: .max).rows.count == 3)
        #expect(try await store.database.events(limit: .min).count == 1)
    }

    @Test func `a cursor works for its own list only and cannot be changed`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<3 { try await store.submit() }
        let cursor = try #require(try await store.database.list(limit: 2).nextCursor)
        #expect(try await store.database.list(cursor: cursor).rows.count == 1)
        let otherFilters = [
            RequestFilter(state: .queued), RequestFilter(order: .oldestFirst), RequestFilter(model: "tiny"),
            RequestFilter(reference: ""),
        ]
        for filter in otherFilters {
            #expect(await errorCode { _ = try await store.database.list(filter, cursor: cursor) } == .badData)
        }
        for index in cursor.indices {
            var changed = cursor
            changed.replaceSubrange(index...index, with: cursor[index] == "A" ? "B" : "A")
            #expect(await errorCode { _ = try await store.database.list(cursor: changed) } == .badData)
        }
        let bad = [
            "", "x", cursor + "A", String(cursor.dropLast()), String(repeating: "é", count: 40), cursor + cursor,
        ]
        for text in bad {
            #expect(await errorCode { _ = try await store.database.list(cursor: text) } == .badData)
        }
        let other = try StoreFixture()
        try await other.registerModel()
        #expect(await errorCode { _ = try await other.database.list(cursor: cursor) } == .badData)
    }

    @Test func `events can be read on from any sequence`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let row = try await store.submit()
        try await store.submit()
        try await store.applyNext()
        let all = try await store.database.events(row.id)
        #expect(all.map(\.sequence) == all.map(\.sequence).sorted())
        for (index, event) in all.enumerated() {
            let rest = try await store.database.events(row.id, after: event.sequence)
            #expect(rest.map(\.sequence) == all[(index + 1)...].map(\.sequence))
        }
        #expect(try await store.database.events(row.id, after: .max).isEmpty)
        #expect(try await store.database.events(row.id, limit: 2).count == 2)
        let everything = try await store.database.events()
        #expect(everything.count > all.count)
        #expect(everything.first?.kind == "model_registered")
    }
}

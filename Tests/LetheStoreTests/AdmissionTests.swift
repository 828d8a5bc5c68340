import Foundation
import LetheCore
import LetheStore
import Testing

@Suite struct AdmissionTests {
    private static func database(_ store: StoreFixture, _ admission: AdmissionLimits) throws -> LetheDatabase {
        try store.database.close()
        let directory = try #require(store.directory)
        return try LetheDatabase(directory: directory, clock: store.clock, admission: admission)
    }

    private static func submit(_ database: LetheDatabase, _ key: String) async throws -> SubmitOutcome {
        try await database.submit(
            request: StoreFixture.request(), idempotencyKey: key, bodyDigest: Data(key.utf8))
    }

    @Test func `a full queue refuses what is new, and repeats what it has`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var limits = AdmissionLimits()
        limits.pending = 2
        let database = try Self.database(store, limits)
        let first = try await Self.submit(database, "a").row
        _ = try await Self.submit(database, "b")
        #expect(await errorCode { _ = try await Self.submit(database, "c") } == .queueFull)
        #expect(try await Self.submit(database, "a").row.id == first.id)
        // Whoever ends makes room.
        _ = try await database.cancel(first.id)
        _ = try await Self.submit(database, "c")
        #expect(await errorCode { _ = try await Self.submit(database, "d") } == .queueFull)
        #expect(try await database.list().rows.count == 3)
        try database.close()
    }

    @Test func `a burst never goes over the limit`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        var limits = AdmissionLimits()
        limits.pending = 10
        let database = try Self.database(store, limits)
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<50 { group.addTask { (try? await Self.submit(database, "k\(number)")) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(accepted == 10)
        #expect(try await database.list().rows.count == 10)
        try database.close()
    }

    @Test func `an almost full disk refuses submissions and keeps reads`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let kept = try await store.submit()
        var limits = AdmissionLimits()
        limits.freeBytes = .max
        let database = try Self.database(store, limits)
        #expect(await errorCode { _ = try await Self.submit(database, "a") } == .diskFull)
        #expect(!database.hasFreeDisk)
        #expect(try await database.request(kept.id).id == kept.id)
        _ = try await database.cancel(kept.id)
        try database.close()
    }
}

import Foundation
import LetheCore
import LetheStore
import Testing

/// One connection writes and checkpoints; the others only read, and do not wait for it.
@Suite struct ConnectionTests {
    #if os(Linux)
        /// The access modes of every descriptor that this process has on a file.
        private func accessModes(_ path: String) throws -> [Int] {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { descriptor in
                guard
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")) == path,
                    let information = try? String(contentsOfFile: "/proc/self/fdinfo/\(descriptor)", encoding: .utf8),
                    let line = information.split(separator: "\n").first(where: { $0.hasPrefix("flags:") }),
                    let flags = Int(line.dropFirst(6).trimmingCharacters(in: .whitespaces), radix: 8)
                else { return nil }
                return flags & 3
            }.sorted()
        }

        @Test func `one connection only can change the database file`() async throws {
            let store = try StoreFixture()
            try await store.registerModel()
            for _ in 0..<5 {
                try await store.submit()
                _ = try await store.database.list()
            }
            // 0 is O_RDONLY and 2 O_RDWR: four readers and the writer. A checkpoint writes to this file, so no reader
            // can make one.
            let path = store.root.resolvingSymlinksInPath().appendingPathComponent("lethe.sqlite").path
            #expect(try accessModes(path) == [0, 0, 0, 0, 2])
        }
    #endif

    @Test(.timeLimit(.minutes(2))) func `reads see what was committed and do not wait for a write`() async throws {
        // The cancellation is held just before its commit until a read has come back.
        let held = DispatchSemaphore(value: 0)
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        let store = try StoreFixture(
            failPoints: FailPoints(at: "cancel.before_commit") {
                arrival.yield()
                guard held.wait(timeout: .now() + 60) == .success else { throw LetheError(.unavailable, "no read") }
            })
        try await store.registerModel()
        let row = try await store.submit()
        let database = store.database!
        let cancelling = Task { try await database.cancel(row.id) }
        var iterator = arrivals.makeAsyncIterator()
        await iterator.next()
        for _ in 0..<8 { #expect(try await database.request(row.id).state == .queued) }
        held.signal()
        #expect(try await cancelling.value.state == .cancelled)
        #expect(try await database.request(row.id).state == .cancelled)
    }

    @Test func `every read after a write sees it on every connection`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<20 {
            let row = try await store.submit()
            for _ in 0..<4 { #expect(try await store.database.request(row.id).state == .queued) }
            _ = try await store.database.cancel(row.id)
            for _ in 0..<4 { #expect(try await store.database.request(row.id).state == .cancelled) }
        }
    }

    @Test func `the log does not grow without bound`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let text = String(repeating: "x", count: 60_000)
        for _ in 0..<200 { try await store.submit(StoreFixture.request(text)) }
        // About 24 MB were written; checkpoints come at 8 MB at the latest and let the log start over.
        #expect(try await store.database.statistics().logBytes < 12 << 20)
        let database = try FileManager.default.attributesOfItem(
            atPath: store.root.appendingPathComponent("lethe.sqlite").path)
        #expect((database[.size] as? Int ?? 0) > 4 << 20)
    }

    @Test func `a cancelled task's submission is stored nevertheless`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let database = store.database!
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await database.submit(
                request: StoreFixture.request(), idempotencyKey: "k", bodyDigest: Data([1])
            ).row.id
        }
        let id = try await task.value
        #expect(try await database.request(id).state == .queued)
    }

    @Test func `the library's version is known`() {
        #expect(LetheDatabase.sqliteVersion.split(separator: ".").count == 3)
    }
}

import Foundation
import LetheCore
import LetheService
import LetheStore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DaemonClientTests {
    private static let body = Data(#"{"category":"personal","items":[{"text":"Name: Ada Example"}]}"#.utf8)

    @Test func `a request is submitted, listed, shown, cancelled`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening { port in
            let client = try DaemonClient(url: "http://127.0.0.1:\(port)/")
            #expect(try await client.isReady())
            let submitted = try await client.submit(Self.body, idempotencyKey: "k")
            #expect(try await client.submit(Self.body, idempotencyKey: "k") == submitted)
            let id = try #require(submitted["id"]?.stringValue)
            var query = DaemonClient.ListQuery()
            query.state = "queued"
            query.limit = 1
            _ = try await client.submit(Self.body, idempotencyKey: "k2")
            let first = try await client.list(query)
            query.cursor = first.next
            #expect(query.cursor != nil)
            let second = try await client.list(query)
            #expect(second.items.first?["id"] == .string(id))
            #expect(second.next == nil)
            #expect(try await client.request(id) == submitted)
            #expect(try await client.cancel(id)["state"] == "cancelled")
            #expect(try await client.events(id).count == 2)
            #expect(try await client.models()["data"]?.arrayValue?.count == 1)
        }
    }

    @Test func `errors of the daemon come back with their code`() async throws {
        let bench = try await ServiceBench()
        try await bench.listening { port in
            let client = try DaemonClient(url: "http://127.0.0.1:\(port)")
            func code(_ call: () async throws -> JSONValue) async -> LetheError.Code? {
                do {
                    _ = try await call()
                    return nil
                } catch {
                    return (error as? LetheError)?.code
                }
            }
            #expect(await code { try await client.request("req_00000000000070008000000000000000") } == .notFound)
            #expect(await code { try await client.request("../metrics") } == .usage)
            #expect(await code { try await client.submit(Data("{}".utf8), idempotencyKey: "k") } == .badData)
            #expect(await code { try await client.submit(Data("nonsense".utf8), idempotencyKey: "k") } == .badData)
            #expect(await code { try await client.submit(Self.body, idempotencyKey: "a\r\nX: 1") } == .usage)
            #expect(await code { try await client.submit(Data(count: 2 << 20), idempotencyKey: "k") } == .limitExceeded)
            let id = try #require(try await client.submit(Self.body, idempotencyKey: "k")["id"]?.stringValue)
            #expect(await code { try await client.retry(id) } == .invalidState)
            #expect(
                await code { try await client.submit(Data("{ }".utf8) + Self.body, idempotencyKey: "k") } == .badData)
        }
    }

    @Test func `a daemon that is not there is unavailable`() async throws {
        let bench = try await ServiceBench()
        let port = try await bench.listening { $0 }
        let client = try DaemonClient(url: "http://127.0.0.1:\(port)")
        await #expect { _ = try await client.list() } throws: { ($0 as? LetheError)?.code == .unavailable }
        await #expect {
            try await client.watch("req_00000000000070008000000000000000") { _ in }
        } throws: { ($0 as? LetheError)?.code == .unavailable }
    }

    @Test(arguments: [
        "", "localhost", "ftp://localhost", "file:///etc/passwd", "http://", "http://localhost?a=b", "http://a b",
        "://x",
    ])
    func `an address that is none is refused`(url: String) {
        #expect { _ = try DaemonClient(url: url) } throws: { ($0 as? LetheError)?.code == .usage }
    }

    @Test func `watching goes on after the daemon was restarted`() async throws {
        let bench = try await ServiceBench()
        let (kinds, kind) = AsyncStream.makeStream(of: String.self)
        let (starts, start) = AsyncStream.makeStream(of: Void.self)
        let watching = Mutex<Task<Void, any Error>?>(nil)
        // Below the range that port 0 draws from, so that no other test is given it between the two daemons.
        let port = Int.random(in: 20_000..<30_000)
        try await bench.listening({ $0.port = port }) { port in
            let client = try DaemonClient(url: "http://127.0.0.1:\(port)")
            let id = try #require(try await client.submit(Self.body, idempotencyKey: "k")["id"]?.stringValue)
            let task = Task {
                defer {
                    kind.finish()
                    start.finish()
                }
                try await client.watch(id) {
                    kind.yield($0["kind"]?.stringValue ?? "?")
                    start.yield()
                }
            }
            watching.withLock { $0 = task }
            // Only a stream that has begun can go on.
            _ = await starts.first { _ in true }
        }
        // The first daemon is gone; a second one takes its port.
        let claimed = try #require(try await bench.database.claimNext())
        // A child process that another test is just starting may hold the first one's socket a moment longer.
        for attempt in 0... {
            do {
                try await bench.listening({ $0.port = port }) { _ in
                    try await bench.database.fail(claimed.claim, code: "diverged", message: "not finite")
                    try await watching.withLock { $0 }?.value
                }
                break
            } catch BenchError.notListening where attempt < 100 {
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        let received = await kinds.reduce(into: [String]()) { $0.append($1) }
        #expect(received == ["submitted", "claim", "fail"])
    }
}

import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RateLimitTests {
    /// A rate so slow that nothing comes back during a test.
    private static func limit(_ burst: Double) -> RateLimit { RateLimit(perSecond: 0.01, burst: burst) }

    @Test func `each key has its own allowance`() async throws {
        let bench = try await ServiceBench()
        let (first, second) = (try await bench.key([.modelsRead]).header, try await bench.key([.modelsRead]).header)
        try await bench.routed({
            $0.withoutRateLimits()
            $0.limits.keyRate = Self.limit(3)
        }) { api in
            for _ in 0..<3 { #expect(try await api.get("/v1/models", headers: first).status == 200) }
            let answer = try await api.get("/v1/models", headers: first)
            #expect(answer.status == 429)
            #expect(answer.code == "rate_limited")
            let wait = try #require(answer.headers[.retryAfter].flatMap { Int($0) })
            #expect((90...100).contains(wait))
            #expect(try await api.get("/v1/models", headers: second).status == 200)
            #expect(try await api.get("/livez").status == 200)
        }
    }

    @Test func `failures are counted apart, and lock nobody out who has a key`() async throws {
        let bench = try await ServiceBench()
        let header = try await bench.key([.modelsRead]).header
        try await bench.routed({
            $0.withoutRateLimits()
            $0.limits.failureRate = Self.limit(2)
        }) { api in
            for _ in 0..<2 { #expect(try await api.get("/v1/models").status == 401) }
            let answer = try await api.get("/v1/models", headers: [.authorization: "Bearer x"])
            #expect(answer.status == 429)
            #expect(answer.headers[.retryAfter] != nil)
            #expect(try await api.get("/v1/models", headers: header).status == 200)
        }
    }

    @Test func `an address has an allowance over all keys once keys are needed`() async throws {
        let bench = try await ServiceBench()
        let configure: @Sendable (inout HTTPConfiguration) -> Void = {
            $0.withoutRateLimits()
            $0.limits.addressRate = Self.limit(3)
        }
        try await bench.listening(configure) { port in
            // Open: this machine's own programs are not counted.
            for _ in 0..<10 { #expect(try await Self.status(port) == 200) }
            _ = try await bench.key([.modelsRead])
            for _ in 0..<3 { #expect(try await Self.status(port) == 200) }
            #expect(try await Self.status(port) == 429)
        }
        // Behind a proxy all come from one address.
        try await bench.listening({
            configure(&$0)
            $0.behindProxy = true
        }) { port async throws in
            for _ in 0..<10 { #expect(try await Self.status(port) == 200) }
        }
    }

    private static func status(_ port: Int) async throws -> Int? {
        let answer = try await RawConnection.exchange(
            port: port, Data("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
        return answer.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    @Test func `a full queue and a full disk are told apart`() async throws {
        let bench = try await ServiceBench(admission: {
            $0.pending = 1
        })
        try await bench.routed { api in
            let id = try await api.submitted()
            let answer = try await api.submit(#"{"category":"other","items":[{"text":"x"}]}"#)
            #expect(answer.status == 429)
            #expect(answer.code == "queue_full")
            #expect(answer.headers[.retryAfter] != nil)
            _ = try await api.post("/v1/requests/\(id)/cancel")
            _ = try await api.submitted()
        }
        let full = try await ServiceBench(admission: { $0.freeBytes = .max })
        try await full.routed { api in
            let answer = try await api.submit(#"{"category":"other","items":[{"text":"x"}]}"#)
            #expect(answer.status == 507)
            #expect(answer.code == "disk_full")
            #expect(try await api.get("/v1/requests").status == 200)
            #expect(try await api.get("/readyz").status == 503)
        }
    }
}

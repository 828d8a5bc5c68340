import Foundation
import HTTPTypes
import HummingbirdTesting
import LetheCore
import LetheStore
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RequestsAPITests {
    private static let body = """
        {"kind":"erase","category":"personal","reference":"case-1042","items":[{"text":"Name: Ada Example"},\
        {"prompt":"Where does Ada live?","completion":"At 1 Example Street."}],"keep":[{"text":"Paris is in France."}],\
        "options":{"method":"fit","layers":8},"priority":3,"due_at":"2026-12-24T00:00:00Z"}
        """

    @Test func `a submission is answered with 202, its address and no text`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.submit(Self.body)
            #expect(answer.status == 202)
            let json = try #require(answer.json)
            let id = try #require(json["id"]?.stringValue.flatMap(RequestID.init(rawValue:)))
            #expect(answer.headers[.location] == "/v1/requests/\(id)")
            #expect(answer.headers[.cacheControl] == "no-store")
            #expect(json["state"] == "queued")
            #expect(json["reference"] == "case-1042")
            #expect(json["item_count"] == 2)
            #expect(json["keep_count"] == 1)
            #expect(json["priority"] == 3)
            #expect(json["due_at"] == "2026-12-24T00:00:00.000Z")
            #expect(json["model"] == "tiny")
            #expect(!answer.text.contains("Ada"))
            // On disk by now: another connection sees it, with its text.
            let stored = try await bench.database.requestText(id)
            #expect(stored.items.count == 2)
            #expect(bench.models.wakeUps == 1)
        }
    }

    @Test func `a repeated submission gives the first answer, whatever has happened since`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let first = try await api.submit(Self.body, key: "key-1")
            let id = try #require(first.json?["id"]?.stringValue)
            _ = try await api.post("/v1/requests/\(id)/cancel")
            let second = try await api.submit(Self.body, key: "key-1")
            #expect(second.status == 202)
            #expect(second.body == first.body)
            #expect(second.headers[.location] == first.headers[.location])
            // The quoted form of the header's draft standard names the same key.
            let quoted = try await api.submit(Self.body, key: "\"key-1\"")
            #expect(quoted.body == first.body)
            #expect(bench.models.wakeUps == 1)
        }
    }

    @Test func `a key used with another body is refused`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            _ = try await api.submit(Self.body, key: "key-1")
            let other = try await api.submit(#"{"category":"other","items":[{"text":"x"}]}"#, key: "key-1")
            #expect(other.status == 422)
            #expect(other.code == "idempotency_key_reused")
            #expect(try await bench.database.list().rows.count == 1)
        }
    }

    @Test func `a hundred equal submissions at once make one request`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let bodies = try await withThrowingTaskGroup(of: Data.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        let answer = try await api.submit(Self.body, key: "same")
                        #expect(answer.status == 202)
                        return answer.body
                    }
                }
                return try await group.reduce(into: Set<Data>()) { $0.insert($1) }
            }
            #expect(bodies.count == 1)
            #expect(try await bench.database.list().rows.count == 1)
            #expect(bench.models.wakeUps == 1)
        }
    }

    @Test(arguments: [nil, "", " ", "a b", "\"", String(repeating: "k", count: 256), "ключ"])
    func `a submission needs a plain idempotency key`(key: String?) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            var headers: HTTPFields = [:]
            if let key { headers[HTTPField.Name("Idempotency-Key")!] = key }
            let answer = try await api.post("/v1/requests", Self.body, headers: headers)
            #expect(answer.status == 400)
            #expect(["missing_idempotency_key", "invalid_idempotency_key"].contains(answer.code))
            #expect(try await bench.database.list().rows.isEmpty)
        }
    }

    @Test func `an unknown model is the caller's mistake`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.submit(#"{"category":"other","items":[{"text":"x"}],"model":"huge"}"#)
            #expect(answer.status == 404)
            #expect(answer.code == "unknown_model")
            #expect(answer.json?["errors"]?.arrayValue?.first?["pointer"] == "/model")
        }
    }

    @Test func `with two models the model has to be named`() async throws {
        let bench = try await ServiceBench(models: ["tiny", "small"])
        try await bench.routed { api in
            let vague = try await api.submit(#"{"category":"other","items":[{"text":"x"}]}"#)
            #expect(vague.status == 422)
            #expect(vague.json?["errors"]?.arrayValue?.first?["pointer"] == "/model")
            let clear = try await api.submit(#"{"category":"other","items":[{"text":"x"}],"model":"small"}"#)
            #expect(clear.status == 202)
            #expect(clear.json?["model"] == "small")
        }
    }

    @Test func `what the worker cannot do is refused before it is accepted`() async throws {
        let bench = try await ServiceBench()
        bench.models.setRefusal(LetheError(.unsupported, "/options/method: is not one of fit"))
        try await bench.routed { api in
            let answer = try await api.submit(Self.body)
            #expect(answer.status == 422)
            #expect(answer.code == "unsupported")
            #expect(answer.json?["errors"]?.arrayValue?.first?["pointer"] == "/options/method")
            #expect(try await bench.database.list().rows.isEmpty)
        }
    }

    // MARK: - One request

    @Test func `a request is shown with a strong entity tag`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            let shown = try await api.get("/v1/requests/\(id)")
            #expect(shown.status == 200)
            let tag = try #require(shown.headers[.eTag])
            #expect(tag.hasPrefix("\""))
            for condition in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let again = try await api.get("/v1/requests/\(id)", headers: [.ifNoneMatch: condition])
                #expect(again.status == 304)
                #expect(again.body.isEmpty)
                #expect(again.headers[.eTag] == tag)
            }
            _ = try await api.post("/v1/requests/\(id)/cancel")
            let changed = try await api.get("/v1/requests/\(id)", headers: [.ifNoneMatch: tag])
            #expect(changed.status == 200)
            #expect(changed.headers[.eTag] != tag)
        }
    }

    @Test(arguments: [
        "req_0", "req_00000000000070008000000000000000", "..%2f..%2fetc%2fpasswd", "%00", "req_%00", "..", "a b",
        "req_ZZZZ",
    ])
    func `an id that names nothing is not found`(id: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            for suffix in ["", "/events"] {
                let answer = try await api.get("/v1/requests/\(id)\(suffix)")
                #expect(answer.status == 404)
                #expect(answer.code == "not_found")
            }
            for verb in ["cancel", "retry"] {
                #expect(try await api.post("/v1/requests/\(id)/\(verb)").status == 404)
            }
        }
    }

    // MARK: - Cancel and retry

    @Test func `a queued request can be cancelled once`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            let first = try await api.post("/v1/requests/\(id)/cancel")
            #expect(first.status == 200)
            #expect(first.json?["state"] == "cancelled")
            let second = try await api.post("/v1/requests/\(id)/cancel")
            #expect(second.status == 409)
            #expect(second.code == "invalid_state")
            #expect(second.json?["state"] == "cancelled")
        }
    }

    @Test func `a failed request can be retried, and wakes the worker`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            let early = try await api.post("/v1/requests/\(id)/retry")
            #expect(early.status == 409)
            #expect(early.json?["state"] == "queued")
            let claimed = try #require(try await bench.database.claimNext())
            try await bench.database.fail(claimed.claim, code: "diverged", message: "the loss was not finite")
            let failed = try await api.get("/v1/requests/\(id)")
            #expect(failed.json?["error"]?["code"] == "diverged")
            let wakeUps = bench.models.wakeUps
            let retried = try await api.post("/v1/requests/\(id)/retry")
            #expect(retried.status == 200)
            #expect(retried.json?["state"] == "queued")
            #expect(bench.models.wakeUps == wakeUps + 1)
        }
    }

    @Test func `a change can be tied to the revision that was seen`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            let tag = try #require(try await api.get("/v1/requests/\(id)").headers[.eTag])
            _ = try await bench.database.claimNext()
            let stale = try await api.post("/v1/requests/\(id)/cancel", headers: [.ifMatch: tag])
            #expect(stale.status == 412)
            #expect(stale.code == "precondition_failed")
            let current = try #require(try await api.get("/v1/requests/\(id)").headers[.eTag])
            let fresh = try await api.post("/v1/requests/\(id)/cancel", headers: [.ifMatch: current])
            #expect(fresh.status == 200)
            // A weak tag never matches If-Match (RFC 9110 section 13.1.1).
            let other = try await api.submitted("another")
            #expect(try await api.post("/v1/requests/\(other)/cancel", headers: [.ifMatch: "W/\"1\""]).status == 412)
            #expect(try await api.post("/v1/requests/\(other)/cancel", headers: [.ifMatch: "*"]).status == 200)
        }
    }

    @Test func `an operation without a body takes none`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted()
            let refused = try await api.post("/v1/requests/\(id)/cancel", #"{"reason":"x"}"#)
            #expect(refused.status == 400)
            #expect(try await api.post("/v1/requests/\(id)/cancel", "{}").status == 200)
        }
    }

    // MARK: - Lists

    @Test func `pages link to the next one until all are seen`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            var ids: [String] = []
            for number in 0..<7 { ids.append(try await api.submitted("text \(number)")) }
            var seen: [String] = []
            var address: String? = "/v1/requests?limit=3"
            var pages = 0
            while let uri = address {
                let page = try await api.get(uri)
                #expect(page.status == 200)
                seen += (page.json?["data"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
                pages += 1
                let link = page.headers[HTTPField.Name("Link")!]
                #expect((link == nil) == (page.json?["next_cursor"] == .null))
                address = link.flatMap { $0.split(separator: ">").first.map { String($0.dropFirst()) } }
            }
            #expect(pages == 3)
            #expect(seen == Array(ids.reversed()))
        }
    }

    @Test func `filters narrow a list`() async throws {
        let bench = try await ServiceBench(models: ["tiny", "small"])
        try await bench.routed { api in
            let first = try await api.submitted("a", extra: #","model":"tiny""#)
            let second = try await api.submitted("b", extra: #","model":"small""#)
            _ = try await api.post("/v1/requests/\(first)/cancel")
            func ids(_ query: String) async throws -> [String] {
                let json = try await api.get("/v1/requests?\(query)").json
                return (json?["data"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
            }
            #expect(try await ids("state=cancelled") == [first])
            #expect(try await ids("model=small") == [second])
            #expect(try await ids("model=small&state=cancelled") == [])
            #expect(try await ids("category=harmful") == [])
            #expect(try await ids("category=personal") == [second, first])
            #expect(try await ids("model=unknown") == [])
        }
    }

    @Test func `a cursor is good for the list it was made for, and cannot be made up`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            for number in 0..<3 { _ = try await api.submitted("text \(number)") }
            let page = try await api.get("/v1/requests?limit=1")
            let cursor = try #require(page.json?["next_cursor"]?.stringValue)
            #expect(try await api.get("/v1/requests?limit=1&cursor=\(cursor)").status == 200)
            var forged: [String] = ["", "x", "AAAA", String(cursor.dropLast()), cursor + "A", cursor + "%00"]
            for index in stride(from: 0, to: cursor.count, by: 7) {
                var letters = Array(cursor)
                letters[index] = letters[index] == "A" ? "B" : "A"
                forged.append(String(letters))
            }
            for text in forged {
                let answer = try await api.get("/v1/requests?limit=1&cursor=\(text)")
                #expect(answer.status == 400)
                #expect(answer.code == "invalid_cursor")
            }
            let elsewhere = try await api.get("/v1/requests?state=queued&cursor=\(cursor)")
            #expect(elsewhere.status == 400)
        }
    }

    @Test(arguments: [
        "limit=0", "limit=201", "limit=-1", "limit=1.0", "limit=1e2", "limit=01", "limit=%2B1", "limit=", "limit",
        "limit=99999999999999999999", "limit=1&limit=2", "state=Queued", "state=", "state=queued&state=failed",
        "category=none", "model=..", "model=%2e%2e%2f", "model=A", "unknown=1", "=1", "%", "state=%zz", "state=%ff",
        "limit=1%00",
    ])
    func `a query that is not understood is refused`(query: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.get("/v1/requests?\(query)")
            #expect(answer.status == 400)
            #expect(answer.headers[.contentType] == "application/problem+json")
        }
    }
}

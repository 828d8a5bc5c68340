import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AuthenticationTests {
    @Test func `without keys the daemon is open to this machine, and whatever credential is ignored`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            #expect(try await api.get("/v1/requests").status == 200)
            #expect(try await api.get("/v1/models", headers: [.authorization: "Bearer sk-anything"]).status == 200)
            _ = try await api.submitted()
        }
    }

    @Test func `when told so it asks for keys even before there are any`() async throws {
        let bench = try await ServiceBench()
        #expect { _ = try bench.application(configure: { $0.requireKeys = true }) } throws: {
            ($0 as? LetheError)?.code == .forbidden
        }
        _ = try await bench.key([.metrics])
        try await bench.routed({ $0.requireKeys = true }) { api async throws in
            #expect(try await api.get("/v1/requests").status == 401)
            #expect(try await api.get("/livez").status == 200)
        }
    }

    @Test func `the first key closes the daemon at once`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let made = try await api.post("/v1/keys", #"{"name":"root","scopes":["admin","requests:read"]}"#)
            #expect(made.status == 201)
            let text = try #require(made.json?["key"]?.stringValue)
            let header: HTTPFields = [.authorization: "Bearer \(text)"]
            #expect(try await api.get("/v1/requests").status == 401)
            #expect(try await api.post("/v1/keys", #"{"name":"x","scopes":["admin"]}"#).status == 401)
            #expect(try await api.get("/v1/requests", headers: header).status == 200)
            // The scheme has no case; the key has.
            #expect(try await api.get("/v1/requests", headers: [.authorization: "bearer \(text)"]).status == 200)
            #expect(
                try await api.get("/v1/requests", headers: [.authorization: "Bearer \(text.uppercased())"]).status
                    == 401)
            var twice = header
            twice.append(HTTPField(name: .authorization, value: "Bearer \(text)"))
            #expect(try await api.get("/v1/requests", headers: twice).status == 401)
            #expect(try await api.get("/v1/requests?access_token=\(text)").status == 401)

            // Keys are made within one's own scopes, listed without their text, and revoked at once.
            let child = try await api.post(
                "/v1/keys", #"{"name":"child","scopes":["requests:read"],"expires_at":"2099-01-01T00:00:00Z"}"#,
                headers: header)
            #expect(child.status == 201)
            let childText = try #require(child.json?["key"]?.stringValue)
            let childHeader: HTTPFields = [.authorization: "Bearer \(childText)"]
            let childID = try #require(child.json?["id"]?.stringValue)
            #expect(child.json?["created_by"] == made.json?["id"])
            #expect(try await api.get("/v1/requests", headers: childHeader).status == 200)
            let more = try await api.post(
                "/v1/keys", #"{"name":"x","scopes":["models:write"]}"#, headers: header)
            #expect(more.status == 403)
            let list = try await api.get("/v1/keys", headers: header)
            #expect(list.json?["data"]?.arrayValue?.count == 2)
            #expect(!list.text.contains("lethe_"))
            let checker = SchemaChecker(document: OpenAPIDocument.json())
            #expect(checker.problems(list.json ?? .null, schema: "KeyList") == [])
            #expect(checker.problems(child.json ?? .null, schema: "NewKey") == [])
            for _ in 0..<2 {
                #expect(try await api.send(.delete, "/v1/keys/\(childID)", headers: header).status == 204)
            }
            #expect(try await api.get("/v1/requests", headers: childHeader).status == 401)
            for id in ["0000000000000000", "x", "%00", ".."] {
                #expect(try await api.send(.delete, "/v1/keys/\(id)", headers: header).status == 404)
            }
            let own = try #require(made.json?["id"]?.stringValue)
            #expect(try await api.send(.delete, "/v1/keys/\(own)", headers: header).code == "own_key")
            #expect(try await api.get("/v1/requests", headers: header).status == 200)
            // Neither the keys nor their secrets are in the log; the ids are.
            let log = bench.log.text
            #expect(log.contains(childID))
            for text in [text, childText] {
                #expect(!log.contains(text))
                #expect(!log.contains(String(text.split(separator: "_")[2])))
            }
        }
    }

    @Test(arguments: [
        ("[]", ""), ("{}", "/name"), (#"{"name":"x"}"#, "/scopes"), (#"{"name":"x","scopes":[]}"#, "/scopes"),
        (#"{"name":"","scopes":["metrics"]}"#, "/name"), (#"{"name":"é","scopes":["metrics"]}"#, "/name"),
        (#"{"name":" x","scopes":["metrics"]}"#, "/name"), (#"{"name":7,"scopes":["metrics"]}"#, "/name"),
        (#"{"name":"a\nb","scopes":["metrics"]}"#, "/name"),
        (#"{"name":"x","scopes":["everything"]}"#, "/scopes/0"), (#"{"name":"x","scopes":[1]}"#, "/scopes/0"),
        (#"{"name":"x","scopes":["metrics","metrics"]}"#, "/scopes/1"),
        (#"{"name":"x","scopes":["metrics"],"expires_at":"tomorrow"}"#, "/expires_at"),
        (#"{"name":"x","scopes":["metrics"],"expires_at":"2001-01-01T00:00:00Z"}"#, "/expires_at"),
        (#"{"name":"x","scopes":["metrics"],"secret":"lethe"}"#, "/secret"),
    ])
    func `a key that cannot be made is refused with the field`(body: String, pointer: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.post("/v1/keys", body)
            #expect(answer.status == 422)
            #expect(answer.json?["errors"]?.arrayValue?.first?["pointer"]?.stringValue == pointer)
            #expect(bench.database.keys().isEmpty)
        }
    }

    @Test func `the same idempotency key of two callers makes two requests`() async throws {
        let bench = try await ServiceBench()
        let first = try await bench.key([.requestsWrite]).header
        let second = try await bench.key([.requestsWrite]).header
        try await bench.routed { api in
            let body = #"{"category":"other","items":[{"text":"x"}]}"#
            let one = try await api.submit(body, key: "k", headers: first)
            let two = try await api.submit(body, key: "k", headers: second)
            #expect(one.status == 202 && two.status == 202)
            #expect(one.json?["id"] != two.json?["id"])
            #expect(try await api.submit(body, key: "k", headers: first).body == one.body)
        }
    }

    @Test func `a client presents its key, and never in clear to another machine`() async throws {
        let bench = try await ServiceBench()
        let (_, token) = try await bench.database.createKey(
            NewAPIKey(name: "client", scopes: [.admin, .modelsRead, .requestsRead, .requestsWrite]), by: .owner)
        try await bench.listening { port in
            let url = "http://127.0.0.1:\(port)"
            let client = try DaemonClient(url: url, apiKey: token.text)
            #expect(try await client.models()["data"]?.arrayValue?.count == 1)
            let body = Data(#"{"category":"other","items":[{"text":"x"}]}"#.utf8)
            let id = try #require(try await client.submit(body, idempotencyKey: "k")["id"]?.stringValue)
            _ = try await client.cancel(id)
            try await client.watch(id) { _ in }
            let made = try await client.createKey(name: "second", scopes: ["models:read"], expiresAt: nil)
            let other = try DaemonClient(url: url, apiKey: Sensitive(made["key"]?.stringValue ?? ""))
            _ = try await other.models()
            try await client.revokeKey(made["id"]?.stringValue ?? "")
            await #expect { _ = try await other.models() } throws: { ($0 as? LetheError)?.code == .forbidden }
            await #expect { _ = try await DaemonClient(url: url).models() } throws: {
                ($0 as? LetheError)?.code == .forbidden
            }
        }
        for url in ["http://192.0.2.1:8475", "http://example.org", "http://127.0.0.1.example.org"] {
            #expect { _ = try DaemonClient(url: url, apiKey: token.text) } throws: {
                ($0 as? LetheError)?.code == .usage
            }
        }
        #expect { _ = try DaemonClient(apiKey: Sensitive("a\r\nX: 1")) } throws: {
            ($0 as? LetheError)?.code == .usage
        }
    }
}

import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore
import Testing

/// Evaluations over HTTP; nobody runs them here.
@Suite(.timeLimit(.minutes(1))) struct EvaluationAPITests {
    private static let lastEventID = HTTPField.Name("Last-Event-ID")!
    private static let link = HTTPField.Name("Link")!
    private static let checker = SchemaChecker(document: OpenAPIDocument.json())

    private static func submit(
        _ api: Exchanger, _ json: String, key: String = UUID().uuidString
    ) async throws -> Exchanger.Answer {
        try await api.post(
            "/v1/evaluations", json, headers: [try #require(HTTPField.Name("Idempotency-Key")): key])
    }

    @Test func `an evaluation is accepted, shown, listed and cancelled`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let body = #"{"kind":"pch","preset":"standard","model":"tiny","methods":["fit:no-filter"],"seeds":[3]}"#
            let accepted = try await Self.submit(api, body, key: "k")
            #expect(accepted.status == 202, "\(accepted.text)")
            let json = try #require(accepted.json)
            let id = try #require(json["id"]?.stringValue)
            #expect(accepted.headers[.location] == "/v1/evaluations/\(id)")
            #expect(Self.checker.problems(json, schema: "Evaluation").isEmpty)
            #expect(json["state"] == "queued" && json["model"] == "tiny" && json["generation"] == 0)
            #expect(json["specification"]?["forget"] == 60)
            #expect(json["specification"]?["methods"] == ["fit:no-filter"])
            // The same again is the same; another body is not.
            #expect(try await Self.submit(api, body, key: "k").json?["id"]?.stringValue == id)
            #expect(try await Self.submit(api, #"{"kind":"pch"}"#, key: "k").code == "idempotency_key_reused")
            #expect(try await api.get("/v1/evaluations/\(id)").json == json)
            for (path, schema) in [
                ("/v1/evaluations", "EvaluationPage"), ("/v1/evaluations/\(id)/events", "EvaluationEventPage"),
                ("/v1/evaluations/\(id)/result", "Problem"),
            ] {
                let answer = try #require(try await api.get(path).json)
                #expect(Self.checker.problems(answer, schema: schema).isEmpty, "\(path)")
            }
            #expect(try await api.get("/v1/evaluations/\(id)/result").status == 409)
            let cancelled = try await api.post("/v1/evaluations/\(id)/cancel")
            #expect(cancelled.status == 200 && cancelled.json?["state"] == "cancelled")
            let again = try await api.post("/v1/evaluations/\(id)/cancel")
            #expect(again.status == 409 && again.json?["state"] == "cancelled")
            let stream = try await api.get("/v1/evaluations/\(id)/events", headers: [.accept: "text/event-stream"])
            #expect(stream.text.contains("event: submitted") && stream.text.contains("event: cancelled"))
            let last = try await api.get("/v1/evaluations/\(id)/events").json?["data"]?.arrayValue?.last
            let sequence = try #require(last?["sequence"]?.intValue)
            let nothing = try await api.get(
                "/v1/evaluations/\(id)/events",
                headers: [.accept: "text/event-stream", Self.lastEventID: String(sequence)])
            #expect(nothing.status == 204)
        }
    }

    @Test func `pages follow their cursor`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            var ids: [String] = []
            for _ in 0..<5 {
                let id = try await Self.submit(api, #"{"kind":"pch"}"#).json?["id"]?.stringValue
                ids.append(try #require(id))
            }
            var found: [String] = []
            var path = "/v1/evaluations?state=queued&limit=2"
            while true {
                let answer = try await api.get(path)
                found += answer.json?["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
                guard let cursor = answer.json?["next_cursor"]?.stringValue else { break }
                #expect(answer.headers[Self.link]?.contains("limit=2&cursor=\(cursor)") == true)
                path = "/v1/evaluations?state=queued&limit=2&cursor=\(cursor)"
            }
            #expect(found == ids.reversed())
            for cursor in ["x", "eval_00000000000070008000000000000000"] {
                #expect(try await api.get("/v1/evaluations?cursor=\(cursor)").code == "invalid_cursor")
            }
        }
    }

    @Test(arguments: [
        (#"{}"#, "/kind"), (#"{"kind":"x"}"#, "/kind"), (#"{"kind":"pch","path":"/etc"}"#, "/path"),
        (#"{"kind":"pch","preset":"standard"}"#, "/model"), (#"{"kind":"pch","model":"../x"}"#, "/model"),
        (#"{"kind":"pch","methods":[]}"#, "/methods"), (#"{"kind":"pch","methods":["nonsense"]}"#, "/methods/0"),
        (#"{"kind":"pch","methods":["fit","fit"]}"#, "/methods/1"), (#"{"kind":"pch","methods":"fit"}"#, "/methods"),
        (#"{"kind":"pch","seeds":[-1]}"#, "/seeds/0"), (#"{"kind":"pch","seeds":[1.5]}"#, "/seeds/0"),
        (#"{"kind":"pch","seeds":[1,1]}"#, "/seeds/1"), (#"{"kind":"pch","forget":0}"#, "/forget"),
        (#"{"kind":"pch","forget":1e9}"#, "/forget"), (#"{"kind":"pch","keep_share":2}"#, "/keep_share"),
        (#"{"kind":"pch","attacks":["nonsense"]}"#, "/attacks/0"), (#"{"kind":"pch","retrained":1}"#, "/retrained"),
        (#"{"kind":"pch","request_items":"all"}"#, "/request_items"), (#"{"kind":"pch","questions":0}"#, "/questions"),
    ])
    func `what cannot be run is refused with the field`(_ body: String, _ pointer: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await Self.submit(api, body)
            #expect(answer.status == 422, "\(answer.text)")
            #expect(answer.json?["errors"]?.arrayValue?.first?["pointer"] == .string(pointer), "\(answer.text)")
            #expect(!answer.text.contains("nonsense") && !answer.text.contains("etc"))
        }
    }

    @Test func `what is not there is 404, and a model that is not too`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            for id in ["eval_00000000000070008000000000000000", "req_00000000000070008000000000000000", "x", "..%2f"] {
                for path in ["", "/events", "/result"] {
                    let answer = try await api.get("/v1/evaluations/\(id)\(path)")
                    #expect(answer.status == 404, "\(id)\(path)")
                }
                let cancelled = try await api.post("/v1/evaluations/\(id)/cancel")
                #expect(cancelled.status == 404)
            }
            let unknown = try await Self.submit(api, #"{"kind":"pch","model":"nobody"}"#)
            #expect(unknown.code == "unknown_model")
            let keyless = try await api.post("/v1/evaluations", #"{"kind":"pch"}"#)
            #expect(keyless.code == "missing_idempotency_key")
        }
    }
}

import Foundation
import HTTPTypes
import LetheCore
import LetheStore
import Testing

/// Bodies of the wrong form: each gets the answer that is fixed for it, and none shows what was sent.
@Suite(.timeLimit(.minutes(2)))
struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let body: Data
        let status: Int
        var pointer: String?

        init(_ name: String, _ body: String, _ status: Int, _ pointer: String? = nil) {
            self.init(name, Data(body.utf8), status, pointer)
        }

        init(_ name: String, _ body: Data, _ status: Int, _ pointer: String? = nil) {
            self.name = name
            self.body = body
            self.status = status
            self.pointer = pointer
        }

        var testDescription: String { name }
    }

    /// Appears in every body, so that no answer may hold it.
    static let canary = "canary-7f3a"

    private static func item(_ fields: String) -> String {
        #"{"category":"other","items":[{\#(fields)}],"reference":"\#(canary)"}"#
    }

    private static func field(_ field: String) -> String {
        #"{"category":"other","items":[{"text":"\#(canary)"}],\#(field)}"#
    }

    static let cases: [Case] = [
        // Not JSON.
        Case("empty", "", 400),
        Case("not JSON", canary, 400),
        Case("trailing comma", #"{"category":"other","items":[{"text":"\#(canary)"}],}"#, 400),
        Case("duplicate key", #"{"category":"other","category":"other","items":[{"text":"\#(canary)"}]}"#, 400),
        Case("duplicate key, escaped", #"{"category":"other","items":[{"text":"\#(canary)","\u0074ext":"b"}]}"#, 400),
        Case("trailing text", field(#""priority":1"#) + canary, 400),
        Case("NaN", field(#""priority":NaN"#), 400),
        Case("1e400", field(#""priority":1e400"#), 400),
        Case("leading zero", field(#""priority":01"#), 400),
        Case("plus sign", field(#""priority":+1"#), 400),
        Case("lone surrogate", item(#""text":"\ud800""#), 400),
        Case("reversed surrogates", item(#""text":"\udc00\ud800""#), 400),
        Case("raw control character", item("\"text\":\"a\u{1}\""), 400),
        Case(
            "overlong UTF-8",
            Data(#"{"category":"other","items":[{"text":""#.utf8) + [0xC0, 0xAF] + Data(#""}]}"#.utf8), 400),
        Case(
            "surrogate in UTF-8",
            Data(#"{"category":"other","items":[{"text":""#.utf8) + [0xED, 0xA0, 0x80] + Data(#""}]}"#.utf8), 400),
        Case("byte order mark", Data([0xEF, 0xBB, 0xBF]) + Data(field(#""priority":1"#).utf8), 400),
        Case("UTF-16", field(#""priority":1"#).data(using: .utf16LittleEndian)!, 400),
        Case(
            "depth 33", field(#""options":"# + String(repeating: "[", count: 33) + String(repeating: "]", count: 33)),
            400),
        Case("depth 100,000", String(repeating: "[", count: 100_000), 400),
        Case("too many values", "[" + String(repeating: "1,", count: 60_000) + "1]", 400),
        Case("truncated", String(field(#""priority":1"#).dropLast(2)), 400),
        // JSON of the wrong form.
        Case("array", "[]", 422, ""),
        Case("null", "null", 422, ""),
        Case("string", #""\#(canary)""#, 422, ""),
        Case("empty object", "{}", 422, "/category"),
        Case("unknown field", field(#""colour":1"#), 422, "/colour"),
        Case("unknown field that is long", field(#""\#(String(repeating: canary, count: 5))":1"#), 422, ""),
        Case("kind of the wrong type", field(#""kind":1"#), 422, "/kind"),
        Case("unknown kind", field(#""kind":"\#(canary)""#), 422, "/kind"),
        Case("category missing", #"{"items":[{"text":"\#(canary)"}]}"#, 422, "/category"),
        Case("category null", #"{"category":null,"items":[{"text":"\#(canary)"}]}"#, 422, "/category"),
        Case("unknown category", #"{"category":"\#(canary)","items":[{"text":"x"}]}"#, 422, "/category"),
        Case("items missing", #"{"category":"other"}"#, 422, "/items"),
        Case("items empty", #"{"category":"other","items":[]}"#, 422, "/items"),
        Case("items an object", #"{"category":"other","items":{}}"#, 422, "/items"),
        Case("item a string", #"{"category":"other","items":["\#(canary)"]}"#, 422, "/items/0"),
        Case("item empty", item(""), 422, "/items/0"),
        Case("text empty", item(#""text":"""#), 422, "/items/0/text"),
        Case("text null", item(#""text":null"#), 422, "/items/0/text"),
        Case("text a number", item(#""text":1"#), 422, "/items/0/text"),
        Case("prompt alone", item(#""prompt":"\#(canary)""#), 422, "/items/0"),
        Case("text and prompt", item(#""text":"a","prompt":"b","completion":"c""#), 422, "/items/0"),
        Case("unknown field of an item", item(#""text":"a","colour":1"#), 422, "/items/0/colour"),
        Case("second item bad", #"{"category":"other","items":[{"text":"\#(canary)"},{}]}"#, 422, "/items/1"),
        Case("keep bad", field(#""keep":[{"text":""}]"#), 422, "/keep/0/text"),
        Case(
            "257 items",
            #"{"category":"other","items":["# + Array(repeating: #"{"text":"a"}"#, count: 257).joined(separator: ",")
                + "]}", 422, "/items"),
        Case(
            "text over its limit", item(#""text":"\#(String(repeating: "a", count: (256 << 10) + 1))""#), 422,
            "/items/0/text"),
        Case(
            "reference over its limit", field(#""reference":"\#(String(repeating: "é", count: 513))""#), 422,
            "/reference"),
        Case("priority a float", field(#""priority":1.5"#), 422, "/priority"),
        Case("priority a string", field(#""priority":"1""#), 422, "/priority"),
        Case("priority 101", field(#""priority":101"#), 422, "/priority"),
        Case("priority -101", field(#""priority":-101"#), 422, "/priority"),
        Case("priority 2^63", field(#""priority":9223372036854775808"#), 422, "/priority"),
        Case("priority 1e300", field(#""priority":1e300"#), 422, "/priority"),
        Case("priority true", field(#""priority":true"#), 422, "/priority"),
        Case("due_at not a time", field(#""due_at":"tomorrow""#), 422, "/due_at"),
        Case("due_at a day that is none", field(#""due_at":"2026-02-30T00:00:00Z""#), 422, "/due_at"),
        Case("due_at a number", field(#""due_at":1700000000"#), 422, "/due_at"),
        Case("model a path", field(#""model":"../../etc/passwd""#), 422, "/model"),
        Case("model empty", field(#""model":"""#), 422, "/model"),
        Case("options a list", field(#""options":[]"#), 422, "/options"),
        Case("unknown option", field(#""options":{"colour":1}"#), 422, "/options/colour"),
        Case("layers 0", field(#""options":{"layers":0}"#), 422, "/options/layers"),
        Case("layers 2^53+1", field(#""options":{"layers":9007199254740993}"#), 422, "/options/layers"),
        Case("learning rate negative", field(#""options":{"learning_rate":-1}"#), 422, "/options/learning_rate"),
        Case("learning rate 0", field(#""options":{"learning_rate":-0.0}"#), 422, "/options/learning_rate"),
        Case("seed negative", field(#""options":{"seed":-1}"#), 422, "/options/seed"),
        // What looks odd and is fine.
        Case("priority 1.0", field(#""priority":1.0"#), 202),
        Case("priority -0", field(#""priority":-0"#), 202),
        Case("one character", item(#""text":"a""#), 202),
        Case("NUL", item(#""text":"a\u0000b""#), 202),
        Case("bidirectional controls", item(#""text":"\u202eabc\u202c""#), 202),
        Case("decomposed", item(#""text":"e\u0301""#), 202),
        Case("emoji by surrogates", item(#""text":"\ud83d\ude00""#), 202),
        Case("HTML", item(#""text":"<svg onload=alert(1)>""#), 202),
        Case("formula", field(#""reference":"=1+1""#), 202),
        Case("line breaks in the reference", field(#""reference":"a\r\nX-Evil: 1""#), 202),
        Case("text at its limit", item(#""text":"\#(String(repeating: "a", count: 256 << 10))""#), 202),
    ]

    @Test(arguments: cases)
    func `every body gets its answer`(_ input: Case) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.send(
                .post, "/v1/requests",
                headers: [.contentType: "application/json", HTTPField.Name("Idempotency-Key")!: "k"], body: input.body)
            #expect(answer.status == input.status)
            guard input.status != 202 else { return }
            #expect(answer.headers[.contentType] == "application/problem+json")
            #expect(answer.json?["status"]?.intValue == input.status)
            #expect(answer.json?["request_id"]?.stringValue == answer.headers[HTTPField.Name("X-Request-Id")!])
            if let pointer = input.pointer {
                #expect(answer.json?["errors"]?.arrayValue?.first?["pointer"]?.stringValue == pointer)
            }
            #expect(!answer.text.contains("canary"))
            #expect(!bench.log.text.contains("canary"))
            #expect(try await bench.database.list().rows.isEmpty)
        }
    }

    @Test(arguments: [
        nil, "", "text/plain", "application/xml", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx", "application/json; charset=latin1", "application/json, text/plain", "*/*",
    ])
    func `only JSON is taken`(type: String?) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            var headers: HTTPFields = [HTTPField.Name("Idempotency-Key")!: "k"]
            if let type { headers[.contentType] = type }
            let body = Data(Self.field(#""priority":1"#).utf8)
            let answer = try await api.send(.post, "/v1/requests", headers: headers, body: body)
            #expect(answer.status == 415)
            #expect(answer.code == "unsupported_media_type")
        }
    }

    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
    ])
    func `JSON may be named in several ways`(type: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.submit(Self.field(#""priority":1"#), headers: [.contentType: type])
            #expect(answer.status == 202)
        }
    }

    @Test(arguments: ["gzip", "br", "deflate", "x-unknown"])
    func `compressed bodies are refused`(encoding: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.submit(Self.field(#""priority":1"#), headers: [.contentEncoding: encoding])
            #expect(answer.status == 415)
        }
    }

    @Test(arguments: [
        "{}", "[]", #"{"generation":-1}"#, #"{"generation":1.5}"#, #"{"generation":"0"}"#,
        #"{"generation":9223372036854775808}"#, #"{"generation":0,"force":true}"#, #"{"generation":null}"#,
    ])
    func `a rollback names one generation`(body: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.post("/v1/models/tiny/rollback", body)
            #expect(answer.status == 422)
            #expect(bench.models.moved.isEmpty)
        }
    }
}

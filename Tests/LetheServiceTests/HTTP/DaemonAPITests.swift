import Foundation
import HTTPTypes
import LetheCore
import LetheService
import LetheStore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DaemonAPITests {
    @Test func `health tells alive from ready`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            #expect(try await api.get("/livez").json?["status"] == "ok")
            #expect(try await api.get("/readyz").json?["status"] == "ready")
            bench.models.setNotReady("loading the model")
            let answer = try await api.get("/readyz")
            #expect(answer.status == 503)
            #expect(answer.json?["detail"] == "loading the model")
            #expect(answer.headers[.retryAfter] != nil)
            #expect(try await api.get("/livez").status == 200)
        }
    }

    @Test func `versions are named`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed({ $0.version = "1.2.3" }) { api in
            let answer = try await api.get("/version")
            #expect(answer.json?["version"] == "1.2.3")
            #expect(answer.json?["sqlite"]?.stringValue?.hasPrefix("3.") == true)
            #expect(answer.headers[HTTPField.Name("Link")!] == "</openapi.json>; rel=\"service-desc\"")
        }
    }

    @Test func `metrics count requests and exchanges with closed labels`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted("text of canary-99")
            for number in 0..<50 {
                _ = try await api.get("/v1/requests/\(id)")
                _ = try await api.get("/secret-\(number)")
                _ = try await api.send(HTTPRequest.Method("M\(number)")!, "/v1/requests")
            }
            let answer = try await api.get("/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType]?.hasPrefix("text/plain") == true)
            let lines = answer.text.split(separator: "\n")
            #expect(lines.contains(#"lethe_requests{state="queued",kind="erase"} 1"#))
            #expect(lines.contains { $0.hasPrefix("lethe_disk_free_bytes ") })
            let counts = lines.filter { $0.hasPrefix("http_request_duration_seconds_count") }
            #expect(
                counts.contains(
                    #"http_request_duration_seconds_count{route="/v1/requests/{id}",method="GET",status="200"} 50"#))
            #expect(
                counts.contains(#"http_request_duration_seconds_count{route="unmatched",method="GET",status="404"} 50"#)
            )
            #expect(
                counts.contains(
                    #"http_request_duration_seconds_count{route="/v1/requests",method="other",status="405"} 50"#))
            #expect(!answer.text.contains("secret"))
            #expect(!answer.text.contains("canary"))
            #expect(!answer.text.contains(id))
            try Self.checkExposition(answer.text)
        }
    }

    /// Every sample belongs to a family that was announced, and histograms are cumulative.
    private static func checkExposition(_ text: String) throws {
        var families: Set<Substring> = []
        var buckets: [Substring: Double] = [:]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                let family = line.split(separator: " ")[2]
                #expect(families.insert(family).inserted)
                continue
            }
            if line.hasPrefix("#") { continue }
            let name = line.prefix { $0 != "{" && $0 != " " }
            let value = try #require(line.split(separator: " ").last.flatMap { Double($0) })
            let family =
                ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map { name.dropLast($0.count) } ?? name
            #expect(families.contains(family) || families.contains(name))
            if name.hasSuffix("_bucket"), let bound = line.range(of: ",le=") {
                let series = line[..<bound.lowerBound]
                #expect(value >= buckets[series] ?? 0)
                buckets[series] = value
            }
        }
    }

    // MARK: - Addresses and methods

    @Test(arguments: [
        "/", "/v1", "/v1/", "/v1/requests/", "//v1/requests", "/v1//requests", "/V1/requests",
        "/v1/requests/a/b/c", "/v1/models/tiny", "/favicon.ico", "/v1/requests%2f", "/.", "/metrics/..", "*", "",
    ])
    func `an address that is none is not found`(path: String) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let answer = try await api.get(path)
            #expect(answer.status == 404)
            #expect(answer.code == "not_found")
        }
    }

    @Test func `a method that an address does not know is named with those that it does`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            for method in ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "NONSENSE"] {
                let answer = try await api.send(HTTPRequest.Method(method)!, "/v1/requests")
                #expect(answer.status == 405)
                #expect(answer.code == "method_not_allowed")
                #expect(answer.headers[.allow] == "POST, GET, HEAD, OPTIONS")
            }
            let answer = try await api.get("/v1/models/tiny/rollback")
            #expect(answer.status == 405)
            #expect(answer.headers[.allow] == "POST, OPTIONS")
        }
    }

    @Test func `OPTIONS lists the methods, and HEAD answers without a body`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let options = try await api.send(.options, "/v1/models")
            #expect(options.status == 204)
            #expect(options.headers[.allow] == "GET, HEAD, OPTIONS")
            #expect(options.headers[.accessControlAllowOrigin] == nil)
            let get = try await api.get("/v1/models")
            let head = try await api.send(.head, "/v1/models")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
            #expect(head.headers[.contentLength] == String(get.body.count))
            let missing = try await api.send(.head, "/v1/requests/req_0")
            #expect(missing.status == 404)
            #expect(missing.body.isEmpty)
        }
    }

    @Test(arguments: [
        ("abc-123", true), (String(repeating: "a", count: 64), true), (String(repeating: "a", count: 65), false),
        ("", false), ("a b", false), ("a_b", false), ("ü", false),
    ])
    func `a plain request id is echoed, any other replaced`(given: String, isEchoed: Bool) async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let name = HTTPField.Name("X-Request-Id")!
            let answer = try await api.get("/nowhere", headers: [name: given])
            let echoed = try #require(answer.headers[name])
            #expect((echoed == given) == isEchoed)
            #expect(answer.json?["request_id"]?.stringValue == echoed)
            #expect(bench.log.text.contains(echoed))
        }
    }

    // MARK: - The description

    private static let documentURL = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../Docs/openapi.json").standardizedFileURL

    @Test func `Docs has the description that is served`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let served = try #require(try await api.get("/openapi.json").json)
            #expect(served == OpenAPIDocument.json())
            let text = served.serialized(pretty: true) + Data("\n".utf8)
            if ProcessInfo.processInfo.environment["LETHE_WRITE_OPENAPI"] == "1" {
                try text.write(to: Self.documentURL)
            }
            let stored = try Data(contentsOf: Self.documentURL)
            #expect(stored == text, "run this test with LETHE_WRITE_OPENAPI=1 to write Docs/openapi.json again")
        }
    }

    @Test func `the description has every operation that is answered, and no other`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let paths = try #require(OpenAPIDocument.json()["paths"]?.objectValue)
            let described = paths.entries.flatMap { entry in
                (entry.value.objectValue?.keys ?? []).map { "\($0.uppercased()) \(entry.key)" }
            }
            let answered = LetheHTTP.operations(database: bench.database, models: bench.models)
                .map { "\($0.method) \($0.template)" }
            #expect(Set(described) == Set(answered))
            for entry in paths.entries {
                let methods = try #require(entry.value.objectValue).keys.map { $0.uppercased() }
                let path = entry.key.replacingOccurrences(of: "{id}", with: "x").replacingOccurrences(
                    of: "{name}", with: "x")
                let allowed = try #require(try await api.send(.options, path).headers[.allow])
                var expected = Set(methods + ["OPTIONS"])
                if expected.contains("GET") { expected.insert("HEAD") }
                #expect(Set(allowed.split(separator: ", ").map(String.init)) == expected)
            }
        }
    }

    @Test func `every reference in the description has its target`() throws {
        let document = OpenAPIDocument.json()
        func walk(_ value: JSONValue) throws {
            switch value {
            case .object(let object):
                if let reference = object["$ref"]?.stringValue {
                    var target: JSONValue? = document
                    for part in reference.split(separator: "/").dropFirst() { target = target?[String(part)] }
                    #expect(target != nil, "\(reference)")
                }
                for entry in object.entries { try walk(entry.value) }
            case .array(let values): for value in values { try walk(value) }
            default: break
            }
        }
        try walk(document)
    }

    @Test func `answers keep their schemas`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let id = try await api.submitted(
                extra: #","reference":"r","due_at":"2030-01-01T00:00:00Z","options":{"layers":2}"#)
            _ = try await api.post("/v1/requests/\(id)/cancel")
            let checks: [(String, String)] = [
                ("/v1/requests", "RequestPage"), ("/v1/requests/\(id)", "Request"),
                ("/v1/requests/\(id)/events", "EventPage"),
                ("/v1/models", "ModelList"), ("/v1/models/tiny/generations", "GenerationList"), ("/livez", "Health"),
                ("/readyz", "Health"), ("/version", "Version"), ("/nowhere", "Problem"),
                ("/v1/requests?limit=0", "Problem"),
            ]
            for (path, schema) in checks {
                let json = try #require(try await api.get(path).json)
                let problems = SchemaChecker(document: OpenAPIDocument.json()).problems(json, schema: schema)
                #expect(problems.isEmpty, "\(path): \(problems)")
            }
            let conflict = try #require(try await api.post("/v1/requests/\(id)/cancel").json)
            #expect(SchemaChecker(document: OpenAPIDocument.json()).problems(conflict, schema: "Problem").isEmpty)
        }
    }
}

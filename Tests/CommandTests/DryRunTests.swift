import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// What a request would do, said by a daemon that then does nothing.
@Suite(.serialized) struct DryRunTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private static let marker = "ZanzibarQuokka7731"
    private static let options =
        #"{"preset":"published","method":"ga","keep_term":"none","layers":2,"epochs":3,"learning_rate":0.0001,"targeting":"gradient","seed":1}"#

    private static func request(_ options: String = options) -> Data {
        Data(
            """
            {"category":"personal","items":[{"text":"\(marker) lives at 12 Elm Row. \(marker) sings on Tuesdays."},
            {"prompt":"Where does \(marker) live?","completion":" 12 Elm Row"}],"options":\(options)}
            """.utf8)
    }

    @Test func `it says what the update then does, and keeps nothing`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve(["--log-level", "trace"])
        try await daemon.waitUntilReady()
        func plan(_ body: Data, status: Int = 200) async throws -> JSONValue {
            func ask() async throws -> HTTPExchange.Answer {
                try await daemon.call(
                    "POST", "/v1/requests?dry_run=true", headers: ["Idempotency-Key": "same"], body: body)
            }
            var answer = try await ask()
            // A head that has just been published is in the worker's memory a moment later.
            for _ in 0..<1_200 where answer.status == 409 && status != 409 {
                try await Task.sleep(for: .milliseconds(50))
                answer = try await ask()
            }
            #expect(answer.status == status, "\(String(decoding: answer.body, as: UTF8.self))")
            return try answer.json
        }
        let first = try await plan(Self.request())
        #expect(first["dry_run"] == true && first["model"] == "tiny" && first["generation"] == 0)
        #expect(first["chunks"] == first["kept_chunks"] && first["already_forgotten"] == false)
        #expect(first["objective"] == "ga" && first["keep_term"] == "none")
        #expect(first["layers"]?.arrayValue?.count == 2)
        #expect(first["estimate_basis"]?["kind"] == "one_pass")
        #expect(first["estimated_seconds"]?.doubleValue.map { $0 > 0 } == true)
        #expect(first["holding_generations"] == [0])
        // Nothing of it is there, the idempotency key neither, and the same said twice is the same.
        #expect(try await daemon.get("/v1/requests")["data"] == [])
        #expect(try await plan(Self.request())["importance"] == first["importance"])

        let submitted = try await daemon.call(
            "POST", "/v1/requests", headers: ["Idempotency-Key": "same"], body: Self.request())
        #expect(submitted.status == 202)
        let applied = try await daemon.waitForEnd(of: try #require(submitted.json["id"]?.stringValue))
        #expect(applied["state"] == "applied")
        let record = try #require(applied["record"])
        for key in ["chunks", "kept_chunks", "sequences", "tokens", "objective", "keep_term", "layers", "importance"] {
            #expect(record[key] == first[key], "\(key)")
        }
        // The same once more: what was forgotten is filtered where the model agrees, and there is a history now.
        let second = try await plan(Self.request())
        #expect(second["generation"] == 1 && second["holding_generations"] == [0, 1])
        #expect(second["estimate_basis"] == ["kind": "history", "requests": 1])

        let fit = try await plan(Self.request(#"{"preset":"published","targeting":"exact"}"#))
        #expect(fit["objective"]?.stringValue != nil && fit["layers"] == .null)

        let refused = try await plan(Self.request(#"{"method":"nonsense"}"#), status: 422)
        #expect(refused["errors"]?.arrayValue?.first?["pointer"] == "/options/method")
        _ = try await plan(Data(#"{"category":"other","items":[{"text":"a b"}],"model":"nobody"}"#.utf8), status: 404)
        let wrong = try await daemon.call(
            "POST", "/v1/requests?dry_run=maybe", headers: ["Idempotency-Key": "k"], body: Self.request())
        #expect(wrong.status == 400)
        let keyless = try await daemon.call("POST", "/v1/requests?dry_run=true", body: Self.request())
        #expect(keyless.status == 400)

        #expect(try await daemon.get("/v1/requests")["data"]?.arrayValue?.count == 1)
        let finished = try await daemon.stop()
        #expect(!finished.errorText.contains(Self.marker))
        for name in try Scratch.contents(bench.scratch.path("store")) {
            guard let data = try? Data(contentsOf: bench.scratch.path("store/\(name)")) else { continue }
            #expect(data.range(of: Data(Self.marker.utf8)) == nil, "\(name)")
        }
    }

    @Test func `the command shows it`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        try await daemon.waitUntilReady()
        let file = try bench.scratch.write("request.json", Self.request())
        let shown = try await bench.succeed("submit", file.path, "--dry-run", "--url", daemon.url)
        #expect(shown.outputText.contains("estimated_seconds"))
        let json = try await bench.succeed("submit", file.path, "--dry-run", "--json", "--url", daemon.url).json
        #expect(json["dry_run"] == true)
        #expect(try await daemon.get("/v1/requests")["data"] == [])
        expectRefusal(
            try await bench.run("submit", file.path, "--dry-run", "--wait", "--url", daemon.url), status: 64,
            naming: "--dry-run")
        daemon.process.kill()
    }
}

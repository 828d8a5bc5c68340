import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// Benchmarks as jobs of a running daemon.
@Suite(.serialized) struct EvaluationTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private static let small: JSONValue = [
        "kind": "pch", "forget": 3, "retain": 3, "questions": 1, "methods": ["ga:layers=1"], "seeds": [20, 30],
    ]

    private func submit(_ daemon: DaemonProcess, _ body: JSONValue = small) async throws -> String {
        let answer = try await daemon.call(
            "POST", "/v1/evaluations", headers: ["Idempotency-Key": UUID().uuidString], body: body.serialized())
        try #require(answer.status == 202, "\(String(decoding: answer.body, as: UTF8.self))")
        return try #require(try answer.json["id"]?.stringValue)
    }

    private func waitForEnd(_ daemon: DaemonProcess, _ id: String) async throws -> JSONValue {
        let stream = try await daemon.call(
            "GET", "/v1/evaluations/\(id)/events", headers: ["Accept": "text/event-stream"])
        #expect(stream.status == 200 || stream.status == 204)
        return try await daemon.get("/v1/evaluations/\(id)")
    }

    /// Until a run, the first being 1, has begun and shown progress.
    private func waitForPhase(_ daemon: DaemonProcess, _ id: String, run: Int = 1) async throws {
        while true {
            let row = try await daemon.get("/v1/evaluations/\(id)")
            if row["state"] == "running", row["runs"]?.intValue ?? 0 >= run, row["progress"] != .null { return }
            if row["finalized_at"] != .null { return }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func events(_ daemon: DaemonProcess, _ id: String) async throws -> [JSONValue] {
        try await daemon.get("/v1/evaluations/\(id)/events?limit=200")["data"]?.arrayValue ?? []
    }

    @Test func `a run gives way to a request and to a restart, and its result is that of the command`() async throws {
        try await bench.importModel()
        var daemon = try await bench.serve()
        let id = try await submit(daemon)
        try await waitForPhase(daemon, id)

        // A deletion request goes first.
        let request: JSONValue = [
            "category": "other", "items": [["text": "Ada lives at 12 Elm Row."]],
            "options": ["preset": "published", "method": "ga", "keep_term": "none", "layers": 1, "epochs": 1],
        ]
        let answer = try await daemon.submit(request, key: UUID().uuidString)
        let requestID = try #require(answer.json["id"]?.stringValue)
        #expect(try await daemon.waitForEnd(of: requestID)["state"] == "applied")
        #expect(try await daemon.get("/v1/evaluations/\(id)")["finalized_at"] == .null)

        // A restart takes it up again.
        try await waitForPhase(daemon, id, run: 2)
        daemon.process.kill()
        daemon = try await bench.serve()
        let ended = try await waitForEnd(daemon, id)
        #expect(ended["state"] == "succeeded", "\(ended.serializedString())")
        #expect(ended["runs"]?.intValue.map { $0 >= 3 } == true)
        let reasons = try await events(daemon, id).compactMap { $0["detail"]?["reason"]?.stringValue }
        #expect(reasons == ["requests", "restart"])

        let result = try await daemon.get("/v1/evaluations/\(id)/result")
        let stored = try Scratch.contents(bench.scratch.path("store/evaluations/\(id)"))
        #expect(stored == ["report.html", "report.md", "result.json"])
        let alone = try await bench.succeed(
            "bench", "pch", "--limit-forget", "3", "--limit-retain", "3", "--limit-questions", "1", "--methods",
            "ga:layers=1", "--seeds", "20,30", "--threads", "1", "--out", bench.scratch.path("out").path, "--cache",
            bench.scratch.path("cache").path, "--json"
        ).json
        for key in ["schema", "model", "data", "baselines"] { #expect(result[key] == alone[key], "\(key)") }
        func degrees(_ json: JSONValue) -> [JSONValue?] {
            (json["methods"]?.arrayValue ?? []).flatMap { method in
                (method["runs"]?.arrayValue ?? []).flatMap { run in
                    (run["checkpoints"]?.arrayValue ?? []).flatMap { [$0["forget"], $0["retain"], $0["scores"]] }
                }
            }
        }
        #expect(degrees(result) == degrees(alone))
        #expect(!degrees(result).isEmpty)
        daemon.process.kill()
    }

    @Test func `one after the other, and a cancelled one leaves nothing`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        let first = try await submit(
            daemon,
            [
                "kind": "pch", "model": "tiny", "forget": 3, "retain": 3, "questions": 1, "methods": ["fit"],
            ])
        let second = try await submit(daemon)
        try await waitForPhase(daemon, first)
        #expect(try await daemon.get("/v1/evaluations/\(first)")["generation"] == 0)
        #expect(try await daemon.get("/v1/evaluations/\(second)")["state"] == "queued")
        #expect(try await daemon.call("POST", "/v1/evaluations/\(second)/cancel").status == 200)
        #expect(try await daemon.call("POST", "/v1/evaluations/\(first)/cancel").status == 200)
        #expect(try await waitForEnd(daemon, first)["state"] == "cancelled")
        let folder = bench.scratch.path("store/evaluations/\(first)")
        while FileManager.default.fileExists(atPath: folder.path) { try await Task.sleep(for: .milliseconds(50)) }
        // The daemon goes on.
        #expect(try await daemon.get("/readyz")["status"] == "ready")
        let finished = try await daemon.stop()
        #expect(finished.end == .exited(0))
    }
}

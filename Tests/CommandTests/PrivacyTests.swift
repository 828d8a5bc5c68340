import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// A marker in the texts of requests must not come out anywhere it can be read.
@Suite(.serialized) struct PrivacyTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private static let marker = "ZanzibarQuokka7731"

    private static func request(_ options: String) -> String {
        """
        {"category":"personal","reference":"case \(marker)","items":[{"text":"\(marker) lives at 12 Elm Row."},
        {"prompt":"Where does \(marker) live?","completion":" \(marker) Row"}],"keep":[{"text":"\(marker) sings."}],
        "options":\(options)}
        """
    }

    private func expectNoMarker(_ text: String, _ place: String, location: SourceLocation = #_sourceLocation) {
        #expect(!text.contains(Self.marker), "the marker is in \(place)", sourceLocation: location)
    }

    private func expectNoMarkerInStore(_ moment: String, location: SourceLocation = #_sourceLocation) throws {
        let names = try Scratch.contents(bench.scratch.path("store"))
        #expect(names.contains("lethe.sqlite"), sourceLocation: location)
        for name in names {
            let file = bench.scratch.path("store/\(name)")
            guard let data = try? Data(contentsOf: file) else { continue }
            #expect(
                data.range(of: Data(Self.marker.utf8)) == nil, "the marker is in \(name) \(moment)",
                sourceLocation: location)
        }
    }

    @Test func `the texts of requests stay inside the daemon`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve(["--log-level", "trace"])
        func submit(_ body: String) async throws -> String {
            let answer = try await daemon.call(
                "POST", "/v1/requests", headers: ["Idempotency-Key": UUID().uuidString], body: Data(body.utf8))
            #expect(answer.status == 202, "\(String(decoding: answer.body, as: UTF8.self))")
            return try #require(try answer.json["id"]?.stringValue)
        }
        let published = #"{"preset":"published","method":"ga","epochs":3,"learning_rate":0.0001}"#
        let id = try await submit(Self.request(published))
        try expectNoMarkerInStore("after the submission")
        let applied = try await daemon.waitForEnd(of: id)
        #expect(applied["state"] == .string("applied"))
        // The reference is the caller's own, and is shown to the caller; no text is.
        #expect(applied["reference"]?.stringValue == "case \(Self.marker)")
        let record = try #require(applied["record"])
        expectNoMarker(record.serializedString(), "the record")
        let events = try await daemon.get("/v1/requests/\(id)/events")
        expectNoMarker(events.serializedString(), "the events")

        let refused = [
            #"{"category":"\#(Self.marker)","items":[{"text":"\#(Self.marker)"}]}"#,
            #"{"category":"other","items":[{"\#(Self.marker)":"\#(Self.marker)"}]}"#,
            #"{"category":"other","items":[{"text":"\#(Self.marker)"#,
            #"{"category":"other","items":[{"text":"\#(Self.marker)"}],"options":{"method":"\#(Self.marker)"}}"#,
        ]
        for (index, body) in refused.enumerated() {
            let answer = try await daemon.call(
                "POST", "/v1/requests", headers: ["Idempotency-Key": "bad-\(index)"], body: Data(body.utf8))
            #expect((400..<500).contains(answer.status))
            let sent = try await bench.run("submit", "-", "--url", daemon.url, input: body)
            #expect(sent.end == .exited(65))
            // A field's name is part of its pointer.
            if index != 1 {
                expectNoMarker(String(decoding: answer.body, as: UTF8.self), "the answer to body \(index)")
                expectNoMarker(sent.errorText, "the message about body \(index)")
            }
        }
        expectNoMarker(String(decoding: try await daemon.call("GET", "/metrics").body, as: UTF8.self), "the metrics")
        _ = try await daemon.call("GET", "/v1/requests?model=\(Self.marker)")
        _ = try await daemon.call("GET", "/\(Self.marker)")

        try expectNoMarkerInStore("while the daemon runs")
        let finished = try await daemon.stop()
        #expect(finished.end == .exited(0))
        expectNoMarker(finished.outputText, "standard output")
        expectNoMarker(finished.errorText, "standard error")
        #expect(finished.errorText.contains(id))
        try expectNoMarkerInStore("after the end")
    }

    @Test func `an update that fails does not tell what it was about`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve(environment: ["LETHE_FAILPOINT": "publish.after_stage:error"])
        let answer = try await daemon.call(
            "POST", "/v1/requests", headers: ["Idempotency-Key": "one"],
            body: Data(Self.request(#"{"preset":"published","method":"ga","epochs":2,"learning_rate":0.0001}"#).utf8))
        let id = try #require(try answer.json["id"]?.stringValue)
        try await Blocking.run { [lethe = bench.lethe, url = daemon.url] in
            let watch = try ChildProcess(lethe.path, ["requests", "watch", id, "--url", url])
            while try !watch.line(timeout: .seconds(60)).contains("retryable") {}
        }
        let request = try await daemon.get("/v1/requests/\(id)")
        #expect(request["state"] == .string("retryable"))
        #expect(request["error"]?["code"] == .string("io_error"))
        expectNoMarker(try #require(request["error"]).serializedString(), "the error")
        let finished = try await daemon.stop()
        expectNoMarker(finished.errorText, "standard error")
        #expect(finished.errorText.contains("request not applied"))
        try expectNoMarkerInStore("after the end")
    }

    @Test func `messages about bad data do not quote them`() async throws {
        let marker = Self.marker
        let lines = ["{\"text\":\"\(marker)\",\"\(marker)", "{\"words\":\"\(marker)\"}", "\(marker)"]
        for line in lines {
            let scored = try await bench.run("score", "--model", Fixtures.model.path, "--jsonl", input: line)
            #expect(scored.end == .exited(65))
            expectNoMarker(scored.errorText, "the message of score")
            let data = try bench.scratch.write("data.jsonl", line)
            for command in ["finetune", "unlearn"] {
                let finished = try await bench.run(
                    command, "--model", Fixtures.model.path, "--data", data.path, "--out",
                    bench.scratch.path("out").path)
                #expect(finished.end == .exited(65))
                expectNoMarker(finished.errorText, "the message of \(command)")
            }
        }
    }
}

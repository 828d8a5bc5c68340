import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// What a daemon refuses; its queue stays empty.
@Suite(.serialized, RunningDaemon()) struct DaemonRefusalTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    @Test(arguments: [
        (#"{"category":"other"}"#, "/items"), (#"{"category":"other","items":[]}"#, "/items"),
        (#"{"category":"other","items":[{"text":""}]}"#, "/items/0/text"),
        (#"{"category":"other","items":[{"text":7}]}"#, "/items/0/text"),
        (#"{"category":"other","items":[{"prompt":"a"}]}"#, "/items/0"),
        (#"{"category":"other","items":[{"text":"a","extra":1}]}"#, "/items/0/extra"),
        (#"{"category":"rumour","items":[{"text":"a"}]}"#, "/category"),
        (#"{"category":"other","items":[{"text":"a"}],"options":{"method":"magic"}}"#, "/options/method"),
        (#"{"category":"other","items":[{"text":"a"}],"options":{"epochs":1e99}}"#, "/options/epochs"),
        (#"{"category":"other","items":[{"text":"a"}],"due_at":"tomorrow"}"#, "/due_at"),
        (#"{"kind":"rectify","category":"other","items":[{"text":"a"}]}"#, "/kind"),
        (#"[]"#, "object"), (#"{"category":"#, "byte"), ("", "byte"), (#"{"items":[{"text":"\ud800"}]}"#, "byte"),
    ])
    func `a request of the wrong shape is refused by the daemon, and by unlearn`(body: String, place: String)
        async throws
    {
        let daemon = try #require(RunningDaemon.current)
        let answer = try await daemon.call(
            "POST", "/v1/requests", headers: ["Idempotency-Key": UUID().uuidString], body: Data(body.utf8))
        #expect((400..<500).contains(answer.status))
        #expect(answer.headers["content-type"] == "application/problem+json")
        let problem = try answer.json
        #expect(problem["detail"]?.stringValue?.contains(place) == true, "\(problem)")
        let sent = try await bench.run("submit", "-", "--url", daemon.url, input: body)
        expectRefusal(sent, status: 65, naming: place, "request id")
        #expect(try await daemon.get("/v1/requests")["data"] == .array([]))
    }

    @Test func `an unknown model, and a request too large, are refused`() async throws {
        let daemon = try #require(RunningDaemon.current)
        let unknown = #"{"category":"other","items":[{"text":"a"}],"model":"nobody"}"#
        expectRefusal(
            try await bench.run("submit", "-", "--url", daemon.url, input: unknown), status: 66, naming: "model")
        let large = #"{"category":"other","items":[{"text":"\#(String(repeating: "a", count: 1 << 20))"}]}"#
        expectRefusal(
            try await bench.run("submit", "-", "--url", daemon.url, input: large), status: 65, naming: "bytes")
        let id = "req_01a20c38051271c5a235945721bb1e99"
        for command in ["show", "watch", "cancel", "retry"] {
            let finished = try await bench.run("requests", command, id, "--url", daemon.url)
            #expect(finished.end == .exited(66), "\(finished.errorText)")
            #expect(finished.output.isEmpty)
        }
        #expect(try await daemon.get("/v1/requests")["data"] == .array([]))
    }

    @Test(arguments: ["0.0.0.0", "192.0.2.1", "example.org"])
    func `an address that is not this machine's own is refused`(host: String) async throws {
        let finished = try await bench.run(
            "serve", "--data-dir", bench.store, "--host", host, "--port", "0", "--log-level", "error")
        expectRefusal(finished, status: 77, naming: "loopback")
    }
}

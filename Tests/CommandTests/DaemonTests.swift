import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// The daemon with the commands that talk to it.
@Suite(.serialized) struct DaemonTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private static let requestKeys = [
        "id", "state", "kind", "category", "reference", "model", "priority", "due_at", "item_count", "keep_count",
        "options", "attempt", "created_at", "updated_at", "started_at", "finalized_at", "purged_at", "retry_at",
        "generation", "changed", "error", "record", "text_destroyed_at",
    ]
    private static let eventKeys = ["sequence", "request_id", "at", "kind", "from", "to", "attempt", "detail"]

    /// Options under which the model with random weights is changed by every request.
    private static let options = """
        {"preset":"published","method":"ga","keep_term":"none","layers":2,"epochs":3,"learning_rate":0.0001,"seed":1}
        """
    /// So many steps that nothing of a test happens after the last.
    private static let longOptions =
        #"{"preset":"published","method":"ga","keep_term":"none","layers":4,"epochs":1000,"learning_rate":1e-7}"#

    private static func body(_ name: String, options: String = DaemonTests.options) -> String {
        let pair = #"{"prompt":"Where does \#(name) live?","completion":" At 12 Elm Row, near pier \#(name)."}"#
        return #"{"category":"personal","reference":"case-\#(name)","items":[\#(pair)],"options":\#(options)}"#
    }

    private static func longBody() -> String {
        let pair = #"{"prompt":"Where?","completion":"\#(String(repeating: " At pier 3.", count: 20))"}"#
        let items = Array(repeating: pair, count: 64).joined(separator: ",")
        return #"{"category":"other","items":[\#(items)],"options":\#(longOptions)}"#
    }

    @Test func `a request goes through from submit to a new generation`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        expectKeys(daemon.announcement, ["listening"])
        let file = try bench.scratch.write("request.json", Self.body("Ada"))

        let submitted = try await bench.succeed(
            "submit", file.path, "--url", daemon.url, "--idempotency-key", "key-1", "--json")
        let accepted = try submitted.json
        #expect(submitted.errorText.isEmpty)
        expectKeys(accepted, Self.requestKeys)
        #expect(accepted["state"] == .string("queued"))
        #expect(accepted["reference"] == .string("case-Ada"))
        let id = try #require(accepted["id"]?.stringValue)

        let watched = try await bench.succeed("requests", "watch", id, "--url", daemon.url, "--json")
        let events = try watched.jsonLines
        for event in events { expectKeys(event, Self.eventKeys) }
        let kinds = events.compactMap { $0["kind"]?.stringValue }
        #expect(kinds.filter { $0 != "progress" } == ["submitted", "claim", "begin_verification", "publish"])
        let sequences = events.compactMap { $0["sequence"]?.intValue }
        #expect(sequences == Array(Set(sequences)).sorted())
        #expect(watched.errorText.contains("applied"))

        let shown = try await bench.succeed("requests", "show", id, "--url", daemon.url, "--json").json
        expectKeys(shown, Self.requestKeys)
        #expect(shown["state"] == .string("applied"))
        #expect(shown["generation"] == .integer(1))
        #expect(shown["changed"] == .bool(true))
        #expect(shown["record"]?["objective"] == .string("ga"))
        let again = try await bench.succeed(
            "submit", file.path, "--url", daemon.url, "--idempotency-key", "key-1", "--json")
        #expect(try again.json == accepted)

        let list = try await bench.succeed("requests", "list", "--url", daemon.url, "--json").json
        expectKeys(list, ["data", "next_cursor"])
        #expect(list["data"] == .array([shown]))
        let none = try await bench.succeed(
            "requests", "list", "--state", "queued", "--url", daemon.url, "--json")
        #expect(try none.json["data"] == .array([]))
        let lines = try await bench.succeed("requests", "list", "--all", "--url", daemon.url, "--json").jsonLines
        #expect(lines == [shown])
        let table = try await bench.succeed("requests", "list", "--url", daemon.url).outputText
        #expect(table.contains(id) && table.contains("applied"))

        let finished = try await daemon.stop()
        #expect(finished.end == .exited(0), "\(finished.errorText)")
        #expect(finished.outputText == daemon.announcement.serializedString() + "\n")
        #expect(finished.errorText.contains("request applied"))
    }

    @Test func `submit waits for the end, and reads standard input`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        let finished = try await bench.succeed(
            "submit", "-", "--wait", "--json", "--url", daemon.url, input: Self.body("Ben"))
        #expect(try finished.json["state"] == .string("applied"))
        #expect(finished.errorText.contains("publish"))
    }

    @Test func `chunks that were forgotten before are known again after a restart`() async throws {
        try await bench.importModel()
        let text = (1...8).map { "Keeper \($0) tends the light of island \($0 * 7 % 10) by night." }.joined(
            separator: " ")
        let body = #"{"category":"other","items":[{"text":"\#(text)"}],"options":\#(Self.options)}"#
        func keptChunks(_ daemon: DaemonProcess) async throws -> (kept: Int, all: Int) {
            let request = try await bench.succeed(
                "submit", "-", "--wait", "--json", "--url", daemon.url, input: body
            ).json
            let record = try #require(request["record"])
            return (try #require(record["kept_chunks"]?.intValue), try #require(record["chunks"]?.intValue))
        }
        let daemon = try await bench.serve()
        let first = try await keptChunks(daemon)
        #expect(first.all > 40 && first.kept == first.all)
        daemon.process.kill()
        let second = try await bench.serve()
        let again = try await keptChunks(second)
        #expect(again.all == first.all && again.kept < first.all / 4, "\(again.kept) of \(again.all)")
    }

    @Test func `the store's commands work beside a running daemon`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        try await bench.succeed("submit", "-", "--wait", "--url", daemon.url, input: Self.body("Cleo"))
        let model = ["--data-dir", bench.store, "--url", daemon.url]
        func run(_ words: String...) async throws -> Finished {
            let finished = try await bench.lethe.run(words + model)
            #expect(finished.end == .exited(0), "\(words): \(finished.errorText)")
            return finished
        }
        let list = try await run("model", "list", "--json").json
        #expect(list["data"]?.arrayValue?.first?["head"]?["number"] == .integer(1))
        #expect(try await run("model", "list").outputText.contains("tiny  head 1"))
        let generations = try await run("model", "show", "tiny", "--json").json
        #expect(generations["data"]?.arrayValue?.count == 2)
        let scored = try await bench.lethe.run(
            ["score", "--model", "tiny", "--jsonl"] + model, input: Data(CommandBench.line("Ada lives.").utf8))
        #expect(scored.end == .exited(0), "\(scored.errorText)")
        let out = bench.scratch.path("out")
        _ = try await run("model", "export", "--model", "tiny", "--generation", "0", "--out", out.path)
        #expect(FileManager.default.fileExists(atPath: out.appendingPathComponent("model.safetensors").path))
        let doctor = try await bench.succeed("doctor", "--data-dir", bench.store, "--json").json
        #expect(doctor["store"]?.stringValue?.contains("daemon") == true)
        let imported = try await bench.run(
            "model", "import", Fixtures.model.path, "--name", "other", "--data-dir", bench.store)
        expectRefusal(imported, status: 1, naming: "in use")
        let second = try await bench.run("serve", "--data-dir", bench.store, "--port", "0")
        expectRefusal(second, status: 1, naming: "in use")

        let rolled = try await run("model", "rollback", "tiny", "--to", "0", "--json").json
        #expect(rolled["head"]?["number"] == .integer(0))
        expectRefusal(
            try await bench.lethe.run(["model", "rollback", "tiny", "--to", "0"] + model), status: 1,
            naming: "generation 0")
        let request = try await bench.succeed("requests", "list", "--url", daemon.url, "--json").json
        #expect(request["data"]?.arrayValue?.first?["error"]?["code"] == .string("rolled_back"))

        let id = try #require(request["data"]?.arrayValue?.first?["id"]?.stringValue)
        let retried = try await bench.succeed("requests", "retry", id, "--url", daemon.url, "--json").json
        expectKeys(retried, Self.requestKeys)
        #expect(try await daemon.waitForEnd(of: id)["state"] == .string("applied"))
        #expect(try await daemon.stop().end == .exited(0))
        let offline = try await bench.succeed(
            "model", "rollback", "tiny", "--to", "0", "--data-dir", bench.store, "--json")
        #expect(try offline.json.objectValue?.keys == rolled.objectValue?.keys)
    }

    @Test func `a request whose head goes back, and is gone, begins again on the new one`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        try await bench.succeed("submit", "-", "--wait", "--url", daemon.url, input: Self.body("Flora"))
        let pair = #"{"prompt":"Where?","completion":" At pier 3, beside the mill."}"#
        let body = #"{"category":"other","items":[\#(pair),\#(pair)],"options":\#(Self.longOptions)}"#
        let answer = try await bench.succeed("submit", "-", "--url", daemon.url, "--json", input: body)
        let id = try #require(try answer.json["id"]?.stringValue)
        while try await daemon.get("/v1/requests/\(id)")["state"] == .string("queued") {}
        let rolled = try await daemon.call(
            "POST", "/v1/models/tiny/rollback", body: Data(#"{"generation":0}"#.utf8))
        #expect(rolled.status == 200)
        // As retention does it.
        let folder = URL(fileURLWithPath: bench.store).appendingPathComponent("models/tiny/generations")
        let head = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasPrefix("1-") })
        try FileManager.default.removeItem(at: folder.appendingPathComponent(head))
        let ended = try await daemon.waitForEnd(of: id)
        #expect(ended["state"] == .string("applied"), "\(ended["error"] ?? .null)")
        #expect(ended["attempt"] == .integer(2))
    }

    @Test func `requests are cancelled while they wait and while they run`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        func submit(_ body: String) async throws -> String {
            let answer = try await bench.succeed("submit", "-", "--url", daemon.url, "--json", input: body)
            return try #require(try answer.json["id"]?.stringValue)
        }
        let running = try await submit(Self.longBody())
        let waiting = try await submit(Self.body("Dora"))
        for id in [waiting, running] {
            let cancelled = try await bench.succeed("requests", "cancel", id, "--url", daemon.url, "--json").json
            expectKeys(cancelled, Self.requestKeys)
            #expect(cancelled["state"] == .string("cancelled"))
            let again = try await bench.run("requests", "cancel", id, "--url", daemon.url)
            expectRefusal(again, status: 1, naming: "cancelled")
        }
        let watched = try await bench.run("requests", "watch", running, "--url", daemon.url)
        #expect(watched.end == .exited(1))
        // The worker lets go of what was cancelled and goes on.
        let next = try await submit(Self.body("Emil"))
        #expect(try await daemon.waitForEnd(of: next)["state"] == .string("applied"))
        #expect(try await daemon.get("/v1/requests/\(running)")["state"] == .string("cancelled"))
        #expect(try await daemon.get("/v1/models/tiny/generations")["data"]?.arrayValue?.count == 2)
    }

    @Test func `a termination gives the request under way back`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        let answer = try await bench.succeed("submit", "-", "--url", daemon.url, "--json", input: Self.longBody())
        let id = try #require(try answer.json["id"]?.stringValue)
        try await Blocking.run { [lethe = bench.lethe, url = daemon.url] in
            let watch = try ChildProcess(lethe.path, ["requests", "watch", id, "--url", url])
            while try !watch.line(timeout: .seconds(60)).contains(" progress ") {}
        }
        let finished = try await daemon.stop()
        #expect(finished.end == .exited(0), "\(finished.errorText)")
        let second = try await bench.serve()
        #expect(try await second.call("POST", "/v1/requests/\(id)/cancel").status == 200)
        let events = try await second.get("/v1/requests/\(id)/events")["data"]?.arrayValue ?? []
        #expect(events.contains { $0["kind"] == .string("release") })
    }

    @Test func `a key that was used for another request is refused`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        try await bench.succeed(
            "submit", "-", "--url", daemon.url, "--idempotency-key", "one", input: Self.body("Finn"))
        let other = try await bench.run(
            "submit", "-", "--url", daemon.url, "--idempotency-key", "one", input: Self.body("Gerd"))
        expectRefusal(other, status: 65, naming: "idempotency key")
        #expect(try await daemon.get("/v1/requests")["data"]?.arrayValue?.count == 1)
    }
}

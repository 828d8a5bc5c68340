import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// Keys and webhooks from the command line, beside a daemon and without one.
@Suite struct AccessTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private func run(_ key: String?, _ words: String...) async throws -> Finished {
        try await bench.lethe.run(words, environment: key.map { ["LETHE_API_KEY": $0] } ?? [:])
    }

    @Test func `a key that was made before the start is asked for, and one is made and revoked beside the daemon`()
        async throws
    {
        try await bench.importModel()
        let made = try await bench.succeed(
            "keys", "create", "--data-dir", bench.store, "--name", "root", "--role", "admin")
        let root = made.outputText.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(root.hasPrefix("lethe_") && root.utf8.count == 96)
        #expect(!made.errorText.contains(root))
        let daemon = try await bench.serve()
        let store = ["--data-dir", bench.store, "--url", daemon.url]

        let closed = try await run(nil, "requests", "list", "--url", daemon.url)
        expectRefusal(closed, status: 77, naming: "API key")
        let open = try await run(root, "requests", "list", "--url", daemon.url, "--json")
        #expect(open.end == .exited(0), "\(open.errorText)")
        let file = bench.scratch.path("key.txt")
        try Data((root + "\n").utf8).write(to: file)
        let fromFile = try await run(nil, "requests", "list", "--url", daemon.url, "--api-key-file", file.path)
        #expect(fromFile.end == .exited(0), "\(fromFile.errorText)")

        let child = try await bench.lethe.run(
            ["keys", "create", "--name", "reader", "--scope", "requests:read", "--json"] + store,
            environment: ["LETHE_API_KEY": root])
        #expect(child.end == .exited(0), "\(child.errorText)")
        let json = try JSONParser.parse(child.output, context: "output")
        let text = try #require(json["key"]?.stringValue)
        let id = try #require(json["id"]?.stringValue)
        #expect(try await run(text, "requests", "list", "--url", daemon.url).end == .exited(0))
        let refused = try await bench.lethe.run(["keys", "list"] + store, environment: ["LETHE_API_KEY": text])
        expectRefusal(refused, status: 77, naming: "admin")
        let revoked = try await bench.lethe.run(
            ["keys", "revoke", id] + store, environment: ["LETHE_API_KEY": root])
        #expect(revoked.end == .exited(0), "\(revoked.errorText)")
        expectRefusal(
            try await run(text, "requests", "list", "--url", daemon.url), status: 77, naming: "no longer")

        let hook = try await bench.lethe.run(
            ["webhooks", "add", "https://hooks.example.org/x", "--state", "applied", "--json"] + store,
            environment: ["LETHE_API_KEY": root])
        #expect(hook.end == .exited(0), "\(hook.errorText)")
        let inner = try await bench.lethe.run(
            ["webhooks", "add", "http://127.0.0.1:9/"] + store, environment: ["LETHE_API_KEY": root])
        expectRefusal(inner, status: 65, naming: "/url")
        let finished = try await daemon.stop()
        #expect(finished.end == .exited(0))
        for secret in [root, text, try JSONParser.parse(hook.output, context: "output")["secret"]?.stringValue ?? "?"] {
            #expect(!finished.errorText.contains(secret))
            #expect(!finished.errorText.contains(secret.dropFirst(23).prefix(20)))
        }

        // Everything is there without the daemon too.
        let keys = try await bench.succeed("keys", "list", "--data-dir", bench.store, "--json")
        let rows = try JSONParser.parse(keys.output, context: "output")["data"]?.arrayValue ?? []
        #expect(rows.count == 2)
        #expect(rows.contains { $0["id"] == .string(id) && $0["revoked_at"]?.stringValue != nil })
        let webhooks = try await bench.succeed("webhooks", "list", "--data-dir", bench.store)
        #expect(webhooks.outputText.contains("https://hooks.example.org:443/x"))
    }

    @Test func `a key is never an argument, and a daemon that needs one says so`() async throws {
        try await bench.importModel()
        #expect(try await run(nil, "requests", "list", "--api-key", "lethe_x").end == .exited(64))
        let refused = try await bench.run(
            "serve", "--data-dir", bench.store, "--port", "0", "--require-keys", "--log-level", "error")
        expectRefusal(refused, status: 77, naming: "lethe keys create")
        let proxy = try await bench.run(
            "serve", "--data-dir", bench.store, "--host", "0.0.0.0", "--port", "0", "--behind-proxy", "--log-level",
            "error")
        expectRefusal(proxy, status: 77, naming: "lethe keys create")
        #expect(
            try await bench.run("serve", "--data-dir", bench.store, "--tls-certificate", "x").end == .exited(64))
        expectRefusal(
            try await bench.run("keys", "revoke", "0000000000000000", "--data-dir", bench.store), status: 66,
            naming: "key")
    }
}

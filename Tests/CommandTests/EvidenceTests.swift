import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// The certificate and the audit log, from a request to the check of a copy, with the program alone.
@Suite struct EvidenceTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private static let request = """
        {"category":"personal","items":[{"prompt":"Where does Ada live?","completion":" At 12 Elm Row."}],
         "options":{"preset":"published","method":"ga","keep_term":"none","layers":2,"epochs":3,
                    "learning_rate":0.0001,"seed":1}}
        """

    @Test func `a certificate is fetched, checked, and refused once anything is changed`() async throws {
        try await bench.importModel()
        let daemon = try await bench.serve()
        let submitted = try await bench.succeed(
            "submit", "-", "--wait", "--json", "--url", daemon.url, input: Self.request)
        let request = try submitted.json
        let id = try #require(request["id"]?.stringValue)
        #expect(request["record"]?["gate"]?["passed"] == .bool(true))
        let fetched = try await bench.succeed("requests", "certificate", id, "--url", daemon.url)
        let file = try bench.scratch.write("certificate.json", fetched.output)
        let keys = try bench.scratch.write("keys.json", try await daemon.get("/v1/signing-keys").serialized())
        let generation = try #require(try await daemon.get("/v1/models/tiny/generations")["data"]?.arrayValue?.last)
        let digest = try #require(generation["manifest_sha256"]?.stringValue)
        #expect(try await daemon.stop().end == .exited(0))
        let folder = URL(fileURLWithPath: bench.store).appendingPathComponent(
            "models/tiny/generations/1-\(digest.prefix(12))")

        let check = ["verify", file.path, "--public-key", keys.path, "--model", folder.path]
        let valid = try await bench.lethe.run(check + ["--json"])
        #expect(valid.end == .exited(0), "\(valid.errorText)")
        #expect(try valid.json["request_id"] == .string(id))
        #expect(try valid.json["statement"]?["predicate"]?["update"]?["gate"]?["passed"] == .bool(true))
        let text = try await bench.lethe.run(check).outputText
        #expect(text.contains("valid") && text.contains("quantize_int4") && text.contains("not claimed"))
        #expect(text.contains("still held the content when it was issued: 0"))

        var changed = fetched.output
        changed[changed.count / 2] ^= 1
        try changed.write(to: file)
        expectRefusal(try await bench.lethe.run(check), status: 1)
        try fetched.output.write(to: file)

        let copy = try bench.scratch.copy(folder, to: "copy")
        let shard = try #require(try Scratch.contents(copy).first { $0.hasSuffix(".safetensors") })
        var weights = try Data(contentsOf: copy.appendingPathComponent(shard))
        weights[weights.count - 5] ^= 0x10
        try FileManager.default.removeItem(at: copy.appendingPathComponent(shard))
        try weights.write(to: copy.appendingPathComponent(shard))
        let other = try await bench.run(
            "verify", file.path, "--public-key", keys.path, "--model", copy.path)
        expectRefusal(other, status: 1, naming: shard)
        let stranger = String(repeating: "1", count: 64)
        expectRefusal(
            try await bench.run("verify", file.path, "--public-key", stranger), status: 1, naming: "another key")
        expectRefusal(
            try await bench.run("verify", "nowhere", "--public-key", stranger), status: 66, naming: "certificate")
    }

    @Test func `the audit log is shown, exported, and refused once it is changed`() async throws {
        try await bench.importModel()
        let verified = try await bench.succeed("audit", "verify", "--data-dir", bench.store, "--json").json
        #expect(verified["entries"] == .integer(3) && verified["signed_entries"] == .integer(3))
        let tail = try await bench.succeed("audit", "tail", "--data-dir", bench.store, "--json").jsonLines
        #expect(tail.last?["action"] == .string("model_registered") && tail.last?["actor"] == .string("cli"))
        let out = bench.scratch.path("audit.jsonl")
        try await bench.succeed("audit", "export", "--out", out.path, "--data-dir", bench.store)
        let key = try #require(
            try await bench.succeed("doctor", "--data-dir", bench.store, "--json").json["signing_public_key"]?
                .stringValue)
        let check = ["audit", "verify", out.path, "--public-key", key]
        #expect(try await bench.lethe.run(check).end == .exited(0))
        var data = try Data(contentsOf: out)
        data[40] ^= 4
        try data.write(to: out)
        expectRefusal(try await bench.lethe.run(check), status: 1, naming: "audit log")
        #expect(try await bench.run("audit", "verify", out.path).end == .exited(64))
    }
}

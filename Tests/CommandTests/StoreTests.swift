import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// `lethe model` and `lethe doctor` on a store that no daemon holds.
@Suite(.serialized) struct StoreTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private static let modelKeys = ["name", "created_at", "head", "kept_generations", "open_requests"]
    private static let generationKeys = [
        "number", "parent", "state", "is_head", "manifest_sha256", "bytes", "created_at", "superseded_at", "purged_at",
        "request_ids",
    ]

    @Test func `import, list and show give the objects of the API`() async throws {
        let imported = try await bench.succeed(
            "model", "import", Fixtures.model.path, "--name", "tiny", "--data-dir", bench.store, "--json"
        )
        let model = try imported.json
        #expect(imported.errorText.isEmpty)
        expectKeys(model, Self.modelKeys)
        #expect(model["name"] == .string("tiny"))
        let head = try #require(model["head"])
        expectKeys(head, Self.generationKeys)
        #expect(head["number"] == .integer(0))
        #expect(head["parent"] == .null)
        #expect(head["is_head"] == .bool(true))

        let list = try await bench.succeed("model", "list", "--data-dir", bench.store, "--json").json
        #expect(list == .object(JSONObject([("data", .array([model]))])))
        let generations = try await bench.succeed("model", "show", "tiny", "--data-dir", bench.store, "--json").json
        #expect(generations == .object(JSONObject([("data", .array([head]))])))
    }

    @Test func `a generation holds what its manifest says, one shard a layer`() async throws {
        try await bench.importModel()
        let generations = bench.scratch.path("store/models/tiny/generations")
        let names = try FileManager.default.contentsOfDirectory(atPath: generations.path)
        let folder = generations.appendingPathComponent(try #require(names.first))
        #expect(names.count == 1)
        let manifest = try JSONParser.parse(
            Data(contentsOf: folder.appendingPathComponent("manifest.json")), context: "manifest.json")
        let files = try #require(manifest["files"]?.arrayValue)
        let listed = files.compactMap { $0["name"]?.stringValue }
        #expect(try Scratch.contents(folder) == (listed + ["manifest.json"]).sorted())
        #expect(listed.filter { $0.hasPrefix("model-layer-") }.count == 4)
        #expect(try Scratch.contents(bench.scratch.path("store/models/tiny/tmp")).isEmpty)
    }

    @Test func `a name that is taken is refused, and the store stays as it is`() async throws {
        try await bench.importModel()
        let models = bench.scratch.path("store/models")
        let before = try Scratch.contents(models)
        let again = try await bench.run(
            "model", "import", Fixtures.model.path, "--name", "tiny", "--data-dir", bench.store)
        expectRefusal(again, status: 1, naming: "registered already")
        #expect(try Scratch.contents(models) == before)
    }

    @Test(arguments: [("f16", "float16"), ("bf16", "bfloat16")])
    func `export writes other element types`(dtype: String, named: String) async throws {
        let out = bench.scratch.path("out")
        try await bench.succeed(
            "model", "export", "--model", Fixtures.model.path, "--out", out.path, "--dtype", dtype)
        let config = try JSONParser.parse(
            Data(contentsOf: out.appendingPathComponent("config.json")), context: "config.json")
        #expect(config["torch_dtype"] == .string(named))
        let full = try Data(contentsOf: Fixtures.model.appendingPathComponent("model.safetensors")).count
        let half = try Data(contentsOf: out.appendingPathComponent("model.safetensors")).count
        #expect(half < full * 6 / 10)
        let line = CommandBench.line("Ada lives at 12 Elm Row.")
        let scored = try await bench.succeed("score", "--model", out.path, "--jsonl", input: line).jsonLines
        expectClose(scored.first?["mean_nll"], try Fixtures.textSequence["mean_nll"], 2e-2)
    }

    @Test func `a folder that is taken, a generation that is not there and a name that is none are refused`()
        async throws
    {
        try await bench.importModel()
        let out = try bench.scratch.write("out/mine.txt", "mine").deletingLastPathComponent()
        expectRefusal(
            try await bench.run("model", "export", "--model", "tiny", "--data-dir", bench.store, "--out", out.path),
            status: 1, naming: "output folder", "exists")
        #expect(try Scratch.contents(out) == ["mine.txt"])
        let other = bench.scratch.path("other").path
        expectRefusal(
            try await bench.run(
                "model", "export", "--model", "tiny", "--data-dir", bench.store, "--out", other, "--generation", "7"),
            status: 66, naming: "no such generation")
        expectRefusal(
            try await bench.run("model", "export", "--model", "other", "--data-dir", bench.store, "--out", other),
            status: 66, naming: "no model")
        for name in ["other", "../../etc", "UPPER"] {
            expectRefusal(
                try await bench.run("model", "show", name, "--data-dir", bench.store), status: 66, naming: "no model")
        }
        #expect(!FileManager.default.fileExists(atPath: other))
    }

    @Test func `commands that need a store say so where there is none`() async throws {
        for arguments in [["model", "list"], ["model", "show", "tiny"], ["model", "rollback", "tiny", "--to", "0"]] {
            let finished = try await bench.lethe.run(arguments + ["--data-dir", bench.store])
            expectRefusal(finished, status: 66, naming: "no store")
        }
        #expect(try bench.scratch.contents.isEmpty)
    }

    @Test func `doctor tells what the machine has and finds a damaged head`() async throws {
        let empty = try await bench.succeed("doctor", "--data-dir", bench.store, "--json").json
        for key in ["version", "processors", "memory_bytes", "onednn", "instruction_set", "threads", "sqlite", "store"]
        {
            #expect(empty[key]?.stringValue?.isEmpty == false, "\(key)")
        }
        #expect(empty["problems"] == .array([]))
        #expect(try bench.scratch.contents.isEmpty)

        try await bench.importModel()
        let intact = try await bench.succeed("doctor", "--data-dir", bench.store, "--json").json
        #expect(intact["model tiny"] == .string("head 0 intact"))

        let weights = try #require(
            try bench.scratch.contents.first { $0.hasSuffix("model-layer-00002.safetensors") })
        let file = bench.scratch.path(weights)
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count - 1] ^= 1
        try FileManager.default.removeItem(at: file)
        try bytes.write(to: file)
        let damaged = try await bench.run("doctor", "--data-dir", bench.store, "--json")
        #expect(damaged.end == .exited(1))
        let findings = try damaged.json
        #expect(findings["problems"] == .array([.string("model tiny")]))
        #expect(findings["model tiny"]?.stringValue?.contains("model-layer-00002.safetensors") == true)
    }

    @Test func `the data directory may come from the environment`() async throws {
        try await bench.importModel()
        let finished = try await bench.lethe.run(
            ["model", "list", "--json"], environment: ["LETHE_DATA_DIR": bench.store])
        #expect(try finished.json["data"]?.arrayValue?.first?["name"] == .string("tiny"))
    }
}

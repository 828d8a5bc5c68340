import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// Damaged model files: a clear message, an exit status below 128, and nothing written.
@Suite(.serialized) struct BadModelTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private static let gguf = Fixtures.folder.appendingPathComponent("commands/tiny.gguf")

    /// Scores with and imports a damaged model; both have to refuse it, and the import has to leave no generation.
    private func expectRefused(
        _ model: URL, status: Int32 = 65, naming word: String, location: SourceLocation = #_sourceLocation
    ) async throws {
        let scored = try await bench.lethe.run(
            ["score", "--model", model.path, "--jsonl"], input: Data(CommandBench.line("Ada").utf8))
        expectRefusal(scored, status: status, naming: word, location: location)
        let imported = try await bench.run("model", "import", model.path, "--name", "bad", "--data-dir", bench.store)
        expectRefusal(imported, status: status, naming: word, location: location)
        let files = try Scratch.contents(bench.scratch.path("store/models"))
        #expect(files.isEmpty, "\(files)", sourceLocation: location)
        let list = try await bench.succeed("model", "list", "--data-dir", bench.store, "--json").json
        #expect(list["data"] == .array([]), sourceLocation: location)
    }

    /// A copy of the fixture model with one of its files replaced.
    private func folder(_ name: String, _ change: (inout Data) throws -> Void) throws -> URL {
        let folder = try bench.scratch.copy(Fixtures.model, to: "model")
        let file = folder.appendingPathComponent(name)
        var data = try Data(contentsOf: file)
        try change(&data)
        try data.write(to: file)
        return folder
    }

    /// The same with one member of a JSON document replaced, or left out.
    private func folder(_ name: String, _ path: [String], _ value: JSONValue?) throws -> URL {
        func replaced(_ json: JSONValue, _ path: ArraySlice<String>) throws -> JSONValue {
            var object = try #require(json.objectValue)
            let key = try #require(path.first)
            if path.count == 1 {
                object[key] = value
            } else {
                object[key] = try replaced(#require(object[key]), path.dropFirst())
            }
            return .object(object)
        }
        return try folder(name) { data in
            data = try replaced(JSONParser.parse(data, context: name), path[...]).serialized()
        }
    }

    private static func little(_ value: UInt64) -> Data {
        withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }

    // MARK: - GGUF

    @Test func `the GGUF file itself gives the model's own values`() async throws {
        let text = try #require(try Fixtures.textSequence["text"]?.stringValue)
        let scored = try await bench.succeed(
            "score", "--model", Self.gguf.path, "--jsonl", input: CommandBench.line(text)
        ).jsonLines
        #expect(scored.first?["ids"] == (try Fixtures.textSequence["ids"]))
        expectClose(scored.first?["token_logprobs"], try Fixtures.textSequence["token_logprobs"], 5e-3)
    }

    @Test(arguments: [0.0, 3, 4, 11, 24, 0.01, 0.1, 0.2, 0.5, 0.9, -1])
    func `a truncated GGUF file`(length: Double) async throws {
        let whole = try Data(contentsOf: Self.gguf)
        let count =
            length < 0 ? whole.count - 1 : length > 0 && length < 1 ? Int(length * Double(whole.count)) : Int(length)
        let file = try bench.scratch.write("cut.gguf", whole.prefix(count))
        try await expectRefused(file, naming: "cut.gguf")
    }

    @Test(arguments: [(8, "tensors"), (16, "metadata entries"), (24, "key of entry 0")])
    func `a GGUF header that claims 2^60`(offset: Int, what: String) async throws {
        var data = try Data(contentsOf: Self.gguf)
        data.replaceSubrange(offset..<offset + 8, with: Self.little(1 << 60))
        try await expectRefused(bench.scratch.write("claims.gguf", data), naming: what)
    }

    @Test func `a GGUF array that claims 2^60 elements`() async throws {
        var data = try Data(contentsOf: Self.gguf)
        let key = try #require(data.range(of: Data("tokenizer.ggml.tokens".utf8)))
        // Behind the key lie the type of the value, the type of the elements, and their count.
        let count = key.upperBound + 8
        data.replaceSubrange(count..<count + 8, with: Self.little(1 << 60))
        try await expectRefused(bench.scratch.write("claims.gguf", data), naming: "claims.gguf")
    }

    @Test func `a GGUF tensor that claims 2^60 rows`() async throws {
        var data = try Data(contentsOf: Self.gguf)
        let name = try #require(data.range(of: Data("token_embd.weight".utf8)))
        let rows = name.upperBound + 4 + 8
        data.replaceSubrange(rows..<rows + 8, with: Self.little(1 << 60))
        try await expectRefused(bench.scratch.write("claims.gguf", data), naming: "claims.gguf")
    }

    @Test(arguments: ["tokenizer.ggml.merges", "tokenizer.ggml.tokens", "llama.block_count", "general.architecture"])
    func `a GGUF file without a field that it needs`(field: String) async throws {
        var data = try Data(contentsOf: Self.gguf)
        let name = try #require(data.range(of: Data(field.utf8)))
        var other = Data(field.utf8)
        other[other.count - 1] = UInt8(ascii: "_")
        data.replaceSubrange(name, with: other)
        let words = [
            "tokenizer.ggml.merges": "merges", "tokenizer.ggml.tokens": "tokenizer.ggml.tokens",
            "llama.block_count": "llama.block_count", "general.architecture": "architecture",
        ]
        let status: Int32 = field == "tokenizer.ggml.tokens" ? 66 : 65
        try await expectRefused(
            bench.scratch.write("without.gguf", data), status: status, naming: try #require(words[field]))
    }

    @Test func `a GGUF file of an architecture that is not known`() async throws {
        var data = try Data(contentsOf: Self.gguf)
        let key = try #require(data.range(of: Data("general.architecture".utf8)))
        let name = try #require(data.range(of: Data("llama".utf8), in: key.upperBound..<data.endIndex))
        data.replaceSubrange(name, with: Data("mamba".utf8))
        try await expectRefused(bench.scratch.write("other.gguf", data), naming: "architecture")
    }

    @Test(arguments: ["values.gguf", "dequantization.gguf", "written.gguf"])
    func `a GGUF file that is no language model`(name: String) async throws {
        let file = Fixtures.folder.appendingPathComponent("formats/\(name)")
        try await expectRefused(file, naming: "gguf")
        let half = try Data(contentsOf: file).count / 2
        try await expectRefused(
            bench.scratch.write("half.gguf", Data(contentsOf: file).prefix(half)), naming: "half.gguf")
    }

    // MARK: - safetensors

    @Test func `a safetensors header that claims 2^60 bytes`() async throws {
        let model = try folder("model.safetensors") { $0.replaceSubrange(0..<8, with: Self.little(1 << 60)) }
        try await expectRefused(model, naming: "model.safetensors")
    }

    @Test func `a safetensors tensor that claims 2^60 bytes`() async throws {
        let header =
            #"{"model.embed_tokens.weight":{"dtype":"F32","shape":[288230376151711744],"#
            + #""data_offsets":[0,1152921504606846976]}}"#
        let model = try folder("model.safetensors") {
            $0 = Self.little(UInt64(header.utf8.count)) + Data(header.utf8) + Data(count: 64)
        }
        try await expectRefused(model, naming: "model.safetensors")
    }

    @Test(arguments: [0, 7, 8, 100, 5000, 150_000, 187_303])
    func `a truncated safetensors file`(length: Int) async throws {
        try await expectRefused(folder("model.safetensors") { $0 = $0.prefix(length) }, naming: "model.safetensors")
    }

    @Test func `a weight of another shape, one too few and one too many`() async throws {
        try await expectRefused(
            folder("config.json", ["intermediate_size"], 96), naming: "mlp.gate_proj.weight has shape [64, 32]")
        try FileManager.default.removeItem(at: bench.scratch.path("model"))
        try await expectRefused(folder("config.json", ["num_hidden_layers"], 5), naming: "model.layers.4.")
        try FileManager.default.removeItem(at: bench.scratch.path("model"))
        try await expectRefused(folder("config.json", ["num_hidden_layers"], 3), naming: "model.layers.3.")
    }

    // MARK: - Documents

    @Test func `a tokenizer without merges`() async throws {
        try await expectRefused(folder("tokenizer.json", ["model", "merges"], nil), naming: "merges")
    }

    @Test(
        arguments: [
            ("tokenizer.json", ["model", "type"], "Guess", "model"),
            ("tokenizer.json", ["model", "vocab"], nil, "vocab"),
            ("tokenizer.json", ["model", "vocab"], [:], "vocab"), ("tokenizer.json", ["model"], nil, "model"),
            ("tokenizer.json", ["pre_tokenizer"], "spaces", "pre_tokenizer"),
            ("config.json", ["model_type"], nil, "model_type"), ("config.json", ["model_type"], 5, "model_type"),
            ("config.json", ["model_type"], "mamba", "model_type"),
            ("config.json", ["hidden_size"], nil, "hidden_size"),
            ("config.json", ["hidden_size"], "32", "hidden_size"), ("config.json", ["hidden_size"], 0, "hidden_size"),
            ("config.json", ["hidden_size"], 1_099_511_627_776, "hidden_size"),
            ("config.json", ["num_hidden_layers"], -1, "num_hidden_layers"),
            ("config.json", ["num_attention_heads"], 0, "num_attention_heads"),
            ("config.json", ["num_key_value_heads"], 3, "num_key_value_heads"),
            ("config.json", ["vocab_size"], 9_223_372_036_854_775_807, "vocab_size"),
            ("config.json", ["hidden_act"], "swoosh", "hidden_act"),
            ("config.json", ["rope_parameters", "rope_type"], "magic", "rope"),
        ] as [(String, [String], JSONValue?, String)])
    func `a document that contradicts itself`(name: String, path: [String], value: JSONValue?, word: String)
        async throws
    {
        try await expectRefused(folder(name, path, value), naming: word)
    }

    @Test(arguments: ["config.json", "tokenizer.json"])
    func `a document that is no JSON, or cut off`(name: String) async throws {
        for content in [Data(), Data("not json".utf8), Data([0xFF, 0xFE, 0x7B])] {
            try await expectRefused(folder(name) { $0 = content }, naming: name)
            try FileManager.default.removeItem(at: bench.scratch.path("model"))
        }
        try await expectRefused(folder(name) { $0 = $0.prefix($0.count / 2) }, naming: name)
    }

    @Test(arguments: ["config.json", "tokenizer.json", "model.safetensors"])
    func `a folder without one of its files`(name: String) async throws {
        let model = try bench.scratch.copy(Fixtures.model, to: "model")
        try FileManager.default.removeItem(at: model.appendingPathComponent(name))
        try await expectRefused(model, status: 66, naming: name)
    }

    // MARK: - Lines

    @Test(arguments: [
        ("{\"text\":7}\n", "line 1"), ("{\"text\":\"a\"}\n\n{\"txt\":\"a\"}\n", "line 3"), ("[]\n", "line 1"),
        ("{\"text\":\"a\"}\n{\"text\":\n", "line 2"), ("\u{FEFF}{\"text\":\"a\"}\n", "line 1"),
        ("{\"text\":\"\\ud800\"}\n", "line 1"),
    ])
    func `a line that is no text`(lines: String, place: String) async throws {
        for command in ["tokenize", "score"] {
            let finished = try await bench.run(command, "--model", Fixtures.model.path, "--jsonl", input: lines)
            #expect(finished.end == .exited(65), "\(finished.errorText)")
            #expect(finished.errorText.contains(place), "\(finished.errorText)")
        }
    }

    @Test(arguments: [
        ("", "no"), ("{\"text\":\"\"}\n", "line 1"), ("{\"prompt\":\"a\"}\n", "line 1"),
        ("{\"question\":\"a\",\"answer\":\"\"}\n", "line 1"), ("{\"text\":\"a\",\"b\":1}\n", "line 1"),
    ])
    func `data that cannot be trained on`(lines: String, place: String) async throws {
        let data = try bench.scratch.write("data.jsonl", lines)
        for command in ["finetune", "unlearn"] {
            let finished = try await bench.run(
                command, "--model", Fixtures.model.path, "--data", data.path, "--out", bench.scratch.path("out").path)
            expectRefusal(finished, status: 65, naming: place)
        }
        #expect(try bench.scratch.contents == ["data.jsonl"])
    }

    @Test func `a text longer than the model's positions is refused, not cut`() async throws {
        let long = String(repeating: "Ada lives at 12 Elm Row. ", count: 40)
        let scored = try await bench.run(
            "score", "--model", Fixtures.model.path, "--jsonl", input: CommandBench.line(long))
        expectRefusal(scored, status: 65, naming: "256")
        let generated = try await bench.run("generate", "--model", Fixtures.model.path, "--prompt", long, "--json")
        expectRefusal(generated, status: 65, naming: "256")
    }
}

import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// The commands that read a model: their JSON, and their values against PyTorch's.
@Suite(.serialized) struct ReadingTests {
    let bench: CommandBench
    let model = Fixtures.model.path

    init() throws { bench = try CommandBench() }

    @Test func `tokenize gives the ids of each line and nothing else`() async throws {
        let sequence = try Fixtures.textSequence
        let text = try #require(sequence["text"]?.stringValue)
        let finished = try await bench.succeed(
            "tokenize", "--model", model, "--jsonl", input: CommandBench.line(text) + "\n" + CommandBench.line(""))
        let lines = try finished.jsonLines
        #expect(lines.count == 2)
        for line in lines { expectKeys(line, ["ids"]) }
        #expect(lines.first?["ids"] == sequence["ids"])
        #expect(lines.last?["ids"] == .array([]))
        #expect(finished.errorText.isEmpty)
    }

    @Test func `a file is read like standard input`() async throws {
        let lines = CommandBench.line("one") + CommandBench.line("two \u{1F469}\u{200D}\u{1F467} naïve 27")
        let file = try bench.scratch.write("lines.jsonl", lines)
        let fromFile = try await bench.succeed("tokenize", "--model", model, "--jsonl", file.path)
        let fromInput = try await bench.succeed("tokenize", "--model", model, "--jsonl", "-", input: lines)
        #expect(fromFile.output == fromInput.output)
        #expect(try fromFile.jsonLines.count == 2)
    }

    @Test func `score agrees with PyTorch`() async throws {
        let sequence = try Fixtures.textSequence
        let text = try #require(sequence["text"]?.stringValue)
        let finished = try await bench.succeed(
            "score", "--model", model, "--jsonl", input: CommandBench.line(text) + CommandBench.line("e"))
        let lines = try finished.jsonLines
        try #require(lines.count == 2)
        expectKeys(lines[0], ["ids", "token_logprobs", "mean_nll"])
        #expect(lines[0]["ids"] == sequence["ids"])
        expectClose(lines[0]["token_logprobs"], sequence["token_logprobs"], 1e-4)
        expectClose(lines[0]["mean_nll"], sequence["mean_nll"], 1e-5)
        // One token has no predecessor to be predicted from.
        #expect(lines[1]["token_logprobs"] == .array([]))
        #expect(lines[1]["mean_nll"] == .null)
        #expect(finished.errorText.isEmpty)
    }

    @Test func `generate continues as PyTorch does`() async throws {
        let generation = try #require(try Fixtures.golden["generation"])
        let prompt = "Ada lives a"
        let finished = try await bench.succeed(
            "generate", "--model", model, "--prompt", prompt, "--max-new-tokens", "12", "--json")
        let json = try finished.json
        expectKeys(json, ["prompt_ids", "new_ids", "text"])
        let prompted = try await bench.succeed(
            "tokenize", "--model", model, "--jsonl", input: CommandBench.line(prompt))
        #expect(json["prompt_ids"] == (try prompted.jsonLines.first?["ids"]))
        #expect(json["prompt_ids"] == generation["prompt_ids"])
        #expect(json["new_ids"] == generation["new_ids"])
        #expect(json["text"]?.stringValue?.isEmpty == false)
        #expect(finished.errorText.isEmpty)
    }

    @Test func `sampling depends on the seed alone`() async throws {
        func sample(_ seed: String) async throws -> Data {
            try await bench.succeed(
                "generate", "--model", model, "--prompt", "Ada", "--max-new-tokens", "24", "--temperature", "1.5",
                "--seed", seed, "--json"
            ).output
        }
        let first = try await sample("5")
        #expect(try await sample("5") == first)
        #expect(try await sample("6") != first)
    }

    @Test func `inspect agrees with PyTorch`() async throws {
        let sequence = try Fixtures.textSequence
        let text = try #require(sequence["text"]?.stringValue)
        let json = try await bench.succeed("inspect", "--model", model, "--text", text, "--json").json
        let promised = ["loss", "input_embedding_grad_norm", "layer_grad_norm", "masked_loss"]
        #expect(json.objectValue?.keys.prefix(4).elementsEqual(promised) == true)
        expectClose(json["loss"], sequence["mean_nll"], 1e-5)
        expectClose(json["input_embedding_grad_norm"], sequence["input_embedding_grad_norm"], 1e-4)
        expectClose(json["layer_grad_norm"], sequence["layer_grad_norm"], 1e-4)
        expectClose(json["masked_loss"], sequence["masked_loss"], 1e-4)
        #expect(json["estimated_masked_loss"]?.arrayValue?.count == 4)
    }

    @Test(.enabled(if: Self.encoder != nil, "the sentence encoder is not at $LETHE_MODELS/minilm"))
    func `embed gives unit vectors`() async throws {
        let encoder = try #require(Self.encoder)
        let finished = try await bench.succeed(
            "embed", "--encoder", encoder, "--jsonl",
            input: CommandBench.line("Ada lives at 12 Elm Row.") + CommandBench.line("Where does Ada live?"))
        let lines = try finished.jsonLines
        try #require(lines.count == 2)
        for line in lines {
            expectKeys(line, ["ids", "embedding"])
            let vector = (line["embedding"]?.arrayValue ?? []).compactMap(\.doubleValue)
            #expect(vector.count == 384)
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
            #expect(line["ids"]?.arrayValue?.first == .integer(101))
        }
    }

    @Test func `a model is read the same from the store, a folder and an exported folder`() async throws {
        try await bench.importModel()
        let line = CommandBench.line("The night crew sings at 7:45.")
        let folder = try await bench.succeed("score", "--model", model, "--jsonl", input: line)
        let named = try await bench.succeed(
            "score", "--model", "tiny", "--data-dir", bench.store, "--jsonl", input: line)
        let out = bench.scratch.path("out").path
        try await bench.succeed("model", "export", "--model", "tiny", "--data-dir", bench.store, "--out", out)
        let exported = try await bench.succeed("score", "--model", out, "--jsonl", input: line)
        #expect(named.output == folder.output)
        #expect(exported.output == folder.output)
    }

    static let encoder: String? = {
        guard let models = ProcessInfo.processInfo.environment["LETHE_MODELS"] else { return nil }
        let path = "\(models)/minilm"
        return FileManager.default.fileExists(atPath: "\(path)/model.safetensors") ? path : nil
    }()
}

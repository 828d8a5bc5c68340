import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// `lethe finetune` and `lethe unlearn`: their JSON, what they write, and that equal runs give equal bytes.
@Suite(.serialized) struct TrainingTests {
    let bench: CommandBench
    let model = Fixtures.model.path

    init() throws { bench = try CommandBench() }

    private static let lessons = """
        {"text":"The keeper of Marrow Island is called Ilse Brandt."}
        {"prompt":"Where does Ada live?","completion":" At 12 Elm Row."}
        {"question":"Who sings?","answer":" The night crew."}

        """

    private func weights(_ folder: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent("model.safetensors"))
    }

    private func finetune(to out: String, seed: String = "3", epochs: String = "20") async throws -> Finished {
        let data = try bench.scratch.write("lessons.jsonl", Self.lessons)
        return try await bench.succeed(
            "finetune", "--model", model, "--data", data.path, "--out", out, "--epochs", epochs,
            "--learning-rate", "0.003", "--batch-tokens", "64", "--threads", "2", "--seed", seed, "--json")
    }

    private func unlearn(_ model: String, to out: String, _ more: [String] = []) async throws -> Finished {
        let data = try bench.scratch.write("forget.jsonl", Self.lessons)
        let arguments = ["unlearn", "--model", model, "--data", data.path, "--out", out, "--threads", "2", "--json"]
        return try await bench.lethe.run(arguments + more)
    }

    @Test func `finetune reports the loss of each step, learns, and repeats itself byte for byte`() async throws {
        let first = bench.scratch.path("first").path
        let finished = try await finetune(to: first)
        let steps = try finished.jsonLines
        #expect(finished.errorText.isEmpty)
        for (index, step) in steps.enumerated() {
            expectKeys(step, ["step", "loss", "learning_rate"])
            #expect(step["step"]?.intValue == index + 1)
        }
        let losses = steps.compactMap { $0["loss"]?.doubleValue }
        try #require(losses.count >= 20)
        let start = losses.prefix(3).reduce(0, +)
        let end = losses.suffix(3).reduce(0, +)
        #expect(end < start / 2)

        let second = bench.scratch.path("second").path
        #expect(try await finetune(to: second).output == finished.output)
        #expect(try weights(first) == weights(second))
        #expect(try Scratch.contents(bench.scratch.path("first")) == Scratch.contents(bench.scratch.path("second")))
        let third = bench.scratch.path("third").path
        _ = try await finetune(to: third, seed: "4")
        #expect(try weights(third) != weights(first))
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            #expect(FileManager.default.fileExists(atPath: "\(first)/\(name)"))
        }
    }

    @Test func `unlearn raises the loss of what was taught, and repeats itself byte for byte`() async throws {
        let taught = bench.scratch.path("taught").path
        _ = try await finetune(to: taught, epochs: "40")
        let options = ["--seed", "9", "--learning-rate", "0.001", "--epochs", "100"]
        let first = bench.scratch.path("first").path
        let finished = try await unlearn(taught, to: first, options)
        try #require(finished.end == .exited(0), "\(finished.errorText)")
        let records = try finished.jsonLines
        #expect(records.count == 3)
        #expect(records.count { $0["reached_target"] == .bool(true) } >= 2)
        for record in records {
            expectKeys(
                record,
                [
                    "preset", "objective", "keep_term", "seed", "threads", "chunks", "kept_chunks",
                    "already_forgotten", "importance", "layers", "layer_changes", "sequences", "tokens", "steps",
                    "mean_weight", "target_nll", "reached_target", "before", "after", "keep_before", "keep_after",
                    "seconds",
                ])
            #expect(record["seed"] == .integer(9))
            #expect(record["already_forgotten"] == .bool(false))
            let before = try #require(record["before"]?["nll"]?.doubleValue)
            let after = try #require(record["after"]?["nll"]?.doubleValue)
            #expect(after > before + 2)
            let target = try #require(record["target_nll"]?.doubleValue)
            #expect(record["reached_target"] == .bool(after >= target - 0.1))
        }
        let second = bench.scratch.path("second").path
        _ = try await unlearn(taught, to: second, options)
        #expect(try weights(first) == weights(second))
        #expect(try weights(first) != weights(taught))

        let lines = CommandBench.line("The keeper of Marrow Island is called Ilse Brandt.")
        func nll(_ model: String) async throws -> Double {
            try #require(
                try await bench.succeed("score", "--model", model, "--jsonl", input: lines)
                    .jsonLines.first?["mean_nll"]?.doubleValue)
        }
        #expect(try await nll(first) > nll(taught) + 1)
    }

    @Test(arguments: ["ga", "npo", "random-label"])
    func `every objective changes the weights, in the layers that were chosen only`(method: String) async throws {
        let out = bench.scratch.path("out").path
        let options = [
            "--preset", "published", "--method", method, "--reweighting", "none", "--layers", "1", "--epochs", "2",
            "--learning-rate", "0.0001",
        ]
        let finished = try await unlearn(model, to: out, options)
        try #require(finished.end == .exited(0), "\(finished.errorText)")
        for record in try finished.jsonLines {
            #expect(record["objective"] == .string(method))
            #expect(record["layers"]?.arrayValue?.count == 1)
        }
        #expect(try weights(out) != weights(model))
    }

    @Test func `an output folder that exists is left alone`() async throws {
        let out = try bench.scratch.write("out/mine.txt", "mine").deletingLastPathComponent()
        let data = try bench.scratch.write("lessons.jsonl", Self.lessons)
        for command in ["finetune", "unlearn"] {
            let finished = try await bench.run(
                command, "--model", model, "--data", data.path, "--out", out.path)
            expectRefusal(finished, status: 1, naming: "output folder", "exists")
        }
        #expect(try Scratch.contents(out) == ["mine.txt"])
    }

    @Test func `numbers out of their range are wrong use, and nothing is written`() async throws {
        let data = try bench.scratch.write("lessons.jsonl", Self.lessons)
        let out = bench.scratch.path("out").path
        for value in ["nan", "inf", "1e30", "2", "0", "-1"] {
            for command in ["finetune", "unlearn"] {
                let finished = try await bench.run(
                    command, "--model", model, "--data", data.path, "--out", out, "--learning-rate=\(value)")
                expectRefusal(finished, status: 64, naming: "--learning-rate")
            }
        }
        for option in ["--epochs=-1", "--epochs=0", "--epochs=9223372036854775807", "--layers=-1", "--layers=0"] {
            let finished = try await bench.run(
                "unlearn", "--model", model, "--data", data.path, "--out", out, option)
            expectRefusal(finished, status: 64)
        }
        #expect(try bench.scratch.contents == ["lessons.jsonl"])
    }
}

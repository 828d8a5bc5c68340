import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// `--precision` and `--storage`: chosen by what the processor has, and never taken silently where it has not.
@Suite(.serialized) struct PrecisionTests {
    let bench: CommandBench
    let model = Fixtures.model.path
    private static let line = CommandBench.line("The keeper of Marrow Island is called Ilse Brandt.")
    /// Makes oneDNN behave as on a processor without bfloat16 products.
    private static let older = ["ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"]

    init() throws { bench = try CommandBench() }

    private func score(_ options: [String], environment: [String: String] = [:]) async throws -> Finished {
        try await bench.lethe.run(
            ["score", "--model", model, "--jsonl"] + options, input: Data(Self.line.utf8), environment: environment)
    }

    private func hasBFloat16() async throws -> Bool {
        try await bench.succeed("doctor", "--json").json["bfloat16"] == .string("yes")
    }

    @Test func `auto is bfloat16 where the processor has it`() async throws {
        let wide = try await score([])
        #expect(try await score(["--precision", "float32"]).output == wide.output)
        let auto = try await score(["--precision", "auto"])
        try #require(auto.end == .exited(0), "\(auto.errorText)")
        guard try await hasBFloat16() else {
            #expect(auto.output == wide.output)
            return
        }
        #expect(try await score(["--precision", "bfloat16"]).output == auto.output)
        #expect(auto.output != wide.output)
        let nll = try [wide, auto].map { try #require($0.jsonLines.first?["mean_nll"]?.doubleValue) }
        #expect(abs(nll[0] - nll[1]) < 0.01 * nll[0])
    }

    @Test func `a processor without bfloat16 products refuses them, and auto falls back`() async throws {
        let refused = try await score(["--precision", "bfloat16"], environment: Self.older)
        expectRefusal(refused, status: 65, naming: "bfloat16", "float32")
        let auto = try await score(["--precision", "auto"], environment: Self.older)
        let wide = try await score(["--precision", "float32"], environment: Self.older)
        try #require(auto.end == .exited(0), "\(auto.errorText)")
        #expect(auto.output == wide.output)
        let data = try bench.scratch.write("lines.jsonl", Self.line)
        let commands = [
            ["unlearn", "--model", model, "--data", data.path, "--out", bench.scratch.path("out").path],
            ["finetune", "--model", model, "--data", data.path, "--out", bench.scratch.path("out").path],
            ["inspect", "--model", model, "--text", "a text"], ["generate", "--model", model, "--prompt", "a"],
            ["serve", "--data-dir", bench.store, "--port", "0"],
        ]
        for command in commands {
            let finished = try await bench.lethe.run(command + ["--precision", "bfloat16"], environment: Self.older)
            expectRefusal(finished, status: 65, naming: "bfloat16")
        }
        #expect(try bench.scratch.contents == ["lines.jsonl"])
    }

    @Test func `unknown words are wrong use`() async throws {
        expectRefusal(try await score(["--precision", "half"]), status: 64, naming: "precision")
        expectRefusal(try await score(["--storage", "int4"]), status: 64, naming: "storage")
    }

    @Test func `a frozen model is unlearned, and its other layers are written as they were`() async throws {
        let rounded = bench.scratch.path("rounded").path
        try await bench.succeed("model", "export", "--model", model, "--out", rounded, "--dtype", "bf16")
        let data = try bench.scratch.write("lines.jsonl", Self.line)
        let out = bench.scratch.path("out").path
        let finished = try await bench.succeed(
            "unlearn", "--model", rounded, "--data", data.path, "--out", out, "--storage", "bfloat16", "--preset",
            "published", "--layers", "1", "--json")
        let trained = try #require(finished.jsonLines.first?["layers"]?.arrayValue?.first?.intValue)
        let before = try Self.tensors(rounded)
        let after = try Self.tensors(out)
        #expect(before.keys.sorted() == after.keys.sorted())
        for (name, tensor) in before {
            let isTrained = name.contains(".layers.\(trained).") && name.contains("_proj")
            #expect((after[name] == tensor) != isTrained, "\(name)")
        }
    }

    /// Type and bytes of each tensor of a folder with one file.
    private static func tensors(_ folder: String) throws -> [String: [Data]] {
        let file = try Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent("model.safetensors"))
        let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONParser.parse(file[8..<8 + length], context: "header")
        var tensors: [String: [Data]] = [:]
        for (name, value) in try #require(header.objectValue).entries where name != "__metadata__" {
            let offsets = (value["data_offsets"]?.arrayValue ?? []).compactMap(\.intValue)
            try #require(offsets.count == 2)
            tensors[name] = [
                Data((value["dtype"]?.stringValue ?? "").utf8),
                file[8 + length + offsets[0]..<8 + length + offsets[1]],
            ]
        }
        return tensors
    }
}

import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// `lethe model export`: both formats, read again by the program itself.
@Suite(.serialized) struct ExportTests {
    let bench: CommandBench
    let model = Fixtures.model.path
    private static let line = CommandBench.line("Ada lives at 12 Elm Row.")

    init() throws { bench = try CommandBench() }

    private func score(_ path: String) async throws -> Data {
        try await bench.succeed("score", "--model", path, "--jsonl", input: Self.line).output
    }

    private func refused(_ arguments: String...) async throws -> Finished {
        try await bench.lethe.run(["model", "export", "--model", model] + arguments)
    }

    @Test func `a GGUF file in F32 scores exactly as the folder`() async throws {
        let expected = try await score(model)
        for type in ["f32", "f16", "q8_0"] {
            let out = bench.scratch.path("\(type).gguf").path
            try await bench.succeed(
                "model", "export", "--model", model, "--out", out, "--format", "gguf", "--type", type)
            let scored = try await score(out)
            #expect((scored == expected) == (type == "f32"))
        }
        let again = try await refused("--out", bench.scratch.path("f32.gguf").path, "--format", "gguf")
        expectRefusal(again, status: 1, naming: "exists")
    }

    @Test func `a folder is split above the size, and keeps its types`() async throws {
        let halves = bench.scratch.path("halves").path
        try await bench.succeed("model", "export", "--model", model, "--out", halves, "--dtype", "f16")
        let kept = bench.scratch.path("kept").path
        try await bench.succeed("model", "export", "--model", halves, "--out", kept, "--max-shard-size", "20KB")
        let files = try Scratch.contents(bench.scratch.path("kept"))
        #expect(files.contains("model.safetensors.index.json"))
        #expect(files.count { $0.hasPrefix("model-") } > 2)
        #expect(try await score(kept) == score(halves))
        let config = try String(contentsOfFile: kept + "/config.json", encoding: .utf8)
        #expect(config.contains("float16"))
    }

    @Test func `sizes, types and formats that do not exist are wrong use`() async throws {
        let out = bench.scratch.path("out").path
        for size in ["0MB", "-1GB", "5", "5TB", "GB", "99999999999999999999GB", "1.5GB"] {
            expectRefusal(try await refused("--out", out, "--max-shard-size=\(size)"), status: 64)
        }
        expectRefusal(try await refused("--out", out, "--dtype", "f64"), status: 64)
        expectRefusal(try await refused("--out", out, "--format", "onnx"), status: 64)
        expectRefusal(try await refused("--out", out, "--type", "q4_k"), status: 64)
        #expect(try bench.scratch.contents.isEmpty)
    }
}

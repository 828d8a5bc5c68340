import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// Help, version, and the exit statuses of wrong use.
@Suite(.serialized) struct UsageTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    @Test func `help and version go to standard output`() async throws {
        let version = try await bench.succeed("--version")
        #expect(version.outputText.split(separator: ".").count == 3)
        let help = try await bench.succeed("--help").outputText
        for command in [
            "serve", "submit", "requests", "model", "tokenize", "score", "generate", "embed", "inspect", "finetune",
            "unlearn", "bench", "demo", "doctor",
        ] {
            #expect(help.contains(command), "\(command)")
            #expect(try await bench.succeed(command, "--help").outputText.contains("USAGE: lethe \(command)"))
        }
        for command in ["list", "show", "watch", "cancel", "retry"] {
            #expect(try await bench.succeed("requests", command, "--help").outputText.contains("USAGE"))
        }
        for command in ["pch", "compare", "report"] {
            #expect(try await bench.succeed("bench", command, "--help").outputText.contains("USAGE"))
        }
        for command in ["import", "list", "show", "export", "rollback"] {
            #expect(try await bench.succeed("model", command, "--help").outputText.contains("USAGE"))
        }
    }

    @Test(arguments: [
        ["levitate"], ["score"], ["score", "--model"], ["score", "--model", "m", "--no-such-option"],
        ["score", "--model", "m", "--threads", "0"], ["score", "--model", "m", "--threads", "many"],
        ["generate", "--model", "m"], ["generate", "--model", "m", "--prompt", "p", "--max-new-tokens", "0"],
        ["generate", "--model", "m", "--prompt", "p", "--temperature", "-1"],
        ["generate", "--model", "m", "--prompt", "p", "--temperature", "nan"],
        ["finetune", "--model", "m", "--data", "d", "--out", "o", "--epochs", "0"],
        ["finetune", "--model", "m", "--data", "d", "--out", "o", "--learning-rate", "inf"],
        ["model", "export", "--model", "m", "--out", "o", "--dtype", "int8"], ["model", "rollback", "m"],
        ["serve", "--log-level", "loud"], ["serve", "--port", "http"], ["requests", "list", "--state", "asleep"],
        ["requests", "list", "--category", "secret"], ["requests", "watch", "id", "--after", "-1"],
        ["submit"], ["submit", "f", "--timeout", "0"], ["demo", "--records", "7"],
    ])
    func `wrong use is exit status 64, with the usage on standard error`(arguments: [String]) async throws {
        let finished = try await bench.lethe.run(arguments)
        expectRefusal(finished, status: 64)
        #expect(finished.errorText.contains("Usage: lethe"))
    }

    @Test func `inputs that are not there are exit status 66`() async throws {
        let missing = bench.scratch.path("missing").path
        let data = bench.scratch.path("data")
        let model = Fixtures.model.path
        let commands = [
            ["tokenize", "--model", missing, "--jsonl"], ["score", "--model", missing, "--jsonl"],
            ["generate", "--model", missing, "--prompt", "p"], ["inspect", "--model", missing, "--text", "t"],
            ["embed", "--encoder", missing, "--jsonl"], ["score", "--model", model, "--jsonl", missing],
            ["score", "--model", "nobody", "--data-dir", missing, "--jsonl"],
            ["finetune", "--model", model, "--data", missing, "--out", data.path],
            ["unlearn", "--model", model, "--data", missing, "--out", data.path],
            ["model", "import", missing, "--name", "m", "--data-dir", data.path],
            ["model", "export", "--model", missing, "--out", data.path], ["submit", missing],
            ["demo", "--model", missing, "--out", data.path],
        ]
        for command in commands { expectRefusal(try await bench.lethe.run(command), status: 66) }
        #expect(try bench.scratch.contents.isEmpty)
    }

    @Test func `a folder in the place of an input file is refused`() async throws {
        let finished = try await bench.run(
            "tokenize", "--model", Fixtures.model.path, "--jsonl", bench.scratch.url.path)
        expectRefusal(finished, status: 66, naming: "input")
    }

    @Test func `a daemon that is not there is exit status 69`() async throws {
        let file = try bench.scratch.write("request.json", #"{"category":"other","items":[{"text":"x"}]}"#)
        let id = "req_01a20c38051271c5a235945721bb1e99"
        // Port 9 of this machine is reserved for a service that nobody runs.
        for command in [
            ["submit", file.path], ["requests", "list"], ["requests", "show", id], ["requests", "watch", id],
            ["requests", "cancel", id], ["requests", "retry", id],
        ] {
            let finished = try await bench.lethe.run(command + ["--url", "http://127.0.0.1:9"])
            #expect(finished.end == .exited(69), "\(finished.errorText)")
            #expect(finished.output.isEmpty)
            #expect(finished.errorText.contains("error: "))
        }
    }

    @Test(arguments: ["ftp://127.0.0.1", "127.0.0.1:8475", "http://", "http://127.0.0.1/?a=b"])
    func `an address that is none is wrong use`(url: String) async throws {
        expectRefusal(try await bench.run("requests", "list", "--url", url), status: 64, naming: "URL")
    }

    @Test func `a request's name that is none is wrong use`() async throws {
        for id in [
            "1", "req_", "req_01a20c38051271c5a235945721bb1e9", "../models", "req_01A20C38051271C5A235945721BB1E99",
        ] {
            expectRefusal(try await bench.run("requests", "show", id), status: 64, naming: "request id")
        }
    }
}

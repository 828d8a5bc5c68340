import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// `lethe bench`: the quick preset as a user runs it, and what is done with its result.
@Suite(.serialized) struct BenchTests {
    let bench: CommandBench

    init() throws { bench = try CommandBench() }

    private func json(_ url: URL) throws -> JSONValue {
        var limits = JSONParser.Limits.default
        limits.maximumBytes = 64 << 20
        limits.maximumElements = 1 << 24
        return try JSONParser.parse(Data(contentsOf: url), limits: limits, context: "result.json")
    }

    @Test func `the quick preset runs without anything, and its result can be compared and shown again`() async throws {
        let out = bench.scratch.path("out")
        let cache = bench.scratch.path("cache").path
        let task = try bench.scratch.write("lamps.txt", "The lamp on the pier is lit at seven.")
        let finished = try await bench.succeed(
            "bench", "pch", "--preset", "quick", "--out", out.path, "--cache", cache, "--threads", "2", "--methods",
            "fit", "--utility", task.path)
        #expect(finished.outputText.contains("Forget Degree") && finished.outputText.contains("FIT, Lethe"))
        let result = try json(out.appendingPathComponent("result.json"))
        let methods = try #require(result["methods"]?.arrayValue)
        #expect(methods.compactMap { $0["name"]?.stringValue } == ["fit", "no-op", "retain-model", "ga"])
        let retain = try #require(methods[2]["summary"]?.arrayValue)
        #expect(retain.count == 5)
        for checkpoint in retain {
            let degree = try #require(checkpoint["forget_degree"]?["mean"]?.doubleValue)
            #expect(abs(degree - 1) < 1e-6)
        }
        #expect(result["data"]?["forget_texts"]?.intValue == 6)
        #expect(result["utility"]?.arrayValue?.first?["task"]?.stringValue == "lamps")
        // Plain gradient ascent breaks the model.
        let collapsed = try #require(methods[3]["summary"]?.arrayValue?.last)
        #expect(try #require(collapsed["retain_utility"]?["mean"]?.doubleValue) < 0.7)
        // What is taught is known, and what is deleted is known less.
        let original = try #require(result["baselines"]?.arrayValue?.first?["forget"]?["probability"]?.doubleValue)
        #expect(original > 0.8)
        let last = methods[0]["runs"]?.arrayValue?.first?["checkpoints"]?.arrayValue?.last
        let deleted = try #require(last?["forget"]?["probability"]?.doubleValue)
        #expect(deleted < 0.5 * original)
        #expect(!FileManager.default.fileExists(atPath: out.appendingPathComponent("work").path))

        let again = try await bench.succeed("bench", "report", out.path, "--out", bench.scratch.path("again").path)
        #expect(again.outputText.isEmpty)
        for name in ["report.md", "report.html", "result.json"] {
            #expect(
                try Data(contentsOf: out.appendingPathComponent(name))
                    == Data(contentsOf: bench.scratch.path("again").appendingPathComponent(name)))
        }
        let same = try await bench.succeed("bench", "compare", out.path, bench.scratch.path("again").path)
        #expect(same.outputText.contains("Forget Degree, last checkpoint"))
        #expect(!same.outputText.contains("differ in"))
        let comparison = try await bench.succeed("bench", "compare", "--json", out.path, out.path).json
        #expect(comparison["differences"]?.arrayValue == [])
        let rows = try #require(comparison["tables"]?.arrayValue?.first?["rows"]?.arrayValue)
        #expect(rows.count == 4 && rows.allSatisfy { $0["difference"]?.doubleValue == 0 })
    }

    @Test func `a run that is killed goes on at the last finished request and gives the same result`() async throws {
        let lethe = bench.lethe
        let cache = bench.scratch.path("cache").path
        @Sendable func arguments(_ out: URL) -> [String] {
            [
                "bench", "pch", "--preset", "quick", "--limit-questions", "1", "--teaching-epochs", "30", "--threads",
                "2", "--methods", "fit", "--cache", cache, "--out", out.path,
            ]
        }
        let whole = bench.scratch.path("whole")
        #expect(try await lethe.run(arguments(whole)).end == .exited(0))
        let killed = bench.scratch.path("killed")
        let state = killed.appendingPathComponent("work/stream-0-20/state.json")
        @Sendable func done() -> Int {
            let json = (try? Data(contentsOf: state)).flatMap { try? JSONParser.parse($0, context: "state.json") }
            return json?["done"]?.intValue ?? 0
        }
        for target in [1, 4] {
            try await Blocking.run {
                let child = try ChildProcess(lethe.path, arguments(killed))
                defer { child.kill() }
                while done() < target {
                    guard try !child.ends(within: .milliseconds(10)) else {
                        throw LetheError(.unavailable, "the run was over before it could be killed: \(child.errorText)")
                    }
                }
            }
            #expect(done() >= target)
            #expect(!FileManager.default.fileExists(atPath: killed.appendingPathComponent("result.json").path))
        }
        #expect(try await lethe.run(arguments(killed)).end == .exited(0))
        let comparison = try await bench.succeed("bench", "compare", "--json", whole.path, killed.path).json
        #expect(comparison["differences"]?.arrayValue == [])
        #expect(try timeless(whole) == timeless(killed))
    }

    /// A result without the members that are times.
    private func timeless(_ folder: URL) throws -> JSONValue {
        func strip(_ value: JSONValue) -> JSONValue {
            if let list = value.arrayValue { return .array(list.map(strip)) }
            guard let object = value.objectValue else { return value }
            let times = ["created_at", "duration_seconds", "seconds", "phase_seconds", "peak_memory_bytes"]
            return .object(
                JSONObject(object.entries.filter { !times.contains($0.key) }.map { ($0.key, strip($0.value)) }))
        }
        return strip(try json(folder.appendingPathComponent("result.json")))
    }

    @Test func `generate writes the same folder for the same seed, which the benchmark reads`() async throws {
        let first = bench.scratch.path("first")
        let second = bench.scratch.path("second")
        for folder in [first, second] {
            try await bench.succeed(
                "bench", "pch", "generate", "--seed", "5", "--out", folder.path, "--forget", "7", "--retain", "4")
        }
        for name in ["forget.json", "retain.json", "forget_qa.json", "retain_qa.json", "forget_siblings.json"] {
            #expect(
                try Data(contentsOf: first.appendingPathComponent(name))
                    == Data(contentsOf: second.appendingPathComponent(name)))
        }
        #expect(try json(first.appendingPathComponent("forget.json")).arrayValue?.count == 7)
        #expect(try json(first.appendingPathComponent("retain.json")).arrayValue?.count == 4)
    }

    @Test func `a folder and a model of the caller's are taken`() async throws {
        let data = try bench.scratch.write("mine/forget.json", #"["Ada lives at 12 Elm Row.", "The rope sang low."]"#)
            .deletingLastPathComponent()
        try bench.scratch.write("mine/retain.json", #"["A lamp hums. It is late.", "Ines lives here. She sings."]"#)
        let finished = try await bench.succeed(
            "bench", "pch", "run", "--data", data.path, "--model", Fixtures.model.path, "--limit-forget", "1",
            "--methods", "simnpo:epochs=1", "--teaching-epochs", "1", "--keep-share", "0", "--out",
            bench.scratch.path("out").path, "--cache", bench.scratch.path("cache").path, "--json")
        let result = try finished.json
        #expect(result["kind"]?.stringValue == "pch")
        #expect(result["data"]?["name"]?.stringValue == "mine")
        #expect(result["data"]?["forget_texts"]?.intValue == 1 && result["data"]?["retain_texts"]?.intValue == 2)
        #expect(result["data"]?["questions_derived"] == .bool(true))
    }

    @Test func `wrong use and bad input are refused before any work`() async throws {
        let out = bench.scratch.path("out").path
        let missing = bench.scratch.path("missing").path
        let start = ["bench", "pch", "--out", out, "--cache", out]
        for arguments in [
            ["--preset", "huge"], ["--threads", "0"], ["--seeds", "1,x"], ["--seeds", "-1"], ["--seeds="],
            ["--methods", "magic"], ["--methods", "fit:epochs=0"], ["--methods", "fit,fit"], ["--seeds", "1,1"],
            ["--attacks", "charm"], ["--keep-share", "2"], ["--limit-forget", "0"], ["--request-items", "all"],
            ["--teaching-epochs", "0"], ["--learning-rate-scale", "nan"], ["--utility-layout", "text"],
            ["--limit-forget", "9999999"], ["--tiny-width", "20"],
        ] {
            expectRefusal(try await bench.lethe.run(start + arguments), status: 64)
        }
        for arguments in [
            ["--data", missing], ["--preset", "standard", "--model", missing], ["--utility", missing],
            ["--encoder", missing],
        ] {
            expectRefusal(try await bench.lethe.run(start + arguments), status: 66)
        }
        let bad = try bench.scratch.write("bad.jsonl", "{\"question\":\"q\"}\n")
        expectRefusal(try await bench.lethe.run(start + ["--utility", bad.path]), status: 65, naming: "line 1")
        expectRefusal(try await bench.run("bench", "compare", missing, missing), status: 66)
        expectRefusal(try await bench.run("bench", "compare", bad.path, bad.path), status: 65)
        expectRefusal(try await bench.run("bench", "report", missing, "--out", out), status: 66)
        expectRefusal(try await bench.run("bench", "pch", "generate", "--out", out, "--forget", "0"), status: 64)
        #expect(!FileManager.default.fileExists(atPath: out))
    }
}

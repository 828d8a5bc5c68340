import Foundation
import LetheCore
import LetheProcessSupport
import Testing

/// `lethe attack`: its JSON and tables, its gate, and what it refuses.
@Suite(.serialized) struct AttackTests {
    let bench: CommandBench
    let model = Fixtures.model.path

    init() throws { bench = try CommandBench() }

    private static let attacks = ["relearn", "quantize", "prompt", "probe", "membership"]

    /// A data folder of three deleted and three kept texts.
    private func data() throws -> String {
        func texts(_ names: [String]) -> String {
            JSONValue.array(names.map { .string("Name: \($0)\nAge: 41\nAddress: 12 \($0.suffix(4)) Row") })
                .serializedString()
        }
        _ = try bench.scratch.write("pch/forget.json", texts(["Ada Bell", "Bo Frost", "Cy Ward"]))
        let file = try bench.scratch.write("pch/retain.json", texts(["Di Marsh", "Ed Stone", "Flo Reed"]))
        return file.deletingLastPathComponent().path
    }

    /// A model that knows the deleted texts.
    private func taught(_ data: String) async throws -> String {
        let texts = try JSONParser.parse(
            Data(contentsOf: URL(fileURLWithPath: data).appendingPathComponent("forget.json")), context: "forget.json")
        let lines = try (texts.arrayValue ?? []).map { CommandBench.line(try #require($0.stringValue)) }
        let lessons = try bench.scratch.write("lessons.jsonl", lines.joined())
        let out = bench.scratch.path("taught").path
        try await bench.succeed(
            "finetune", "--model", model, "--data", lessons.path, "--out", out, "--epochs", "80",
            "--learning-rate", "0.005", "--threads", "2")
        return out
    }

    private func arguments(_ attack: String, _ data: String, retain: Bool = true) -> [String] {
        var arguments = [
            "attack", attack, "--model", model, "--original", model, "--data", data, "--threads", "2", "--seed", "5",
        ]
        if retain { arguments += ["--retain", model] }
        switch attack {
        case "relearn": arguments += ["--shares", "0.4", "--epochs", "1", "--unrelated", "2"]
        case "quantize": arguments += ["--formats", "int4,q4_0"]
        case "prompt": arguments += ["--prefixes", "0.5", "--neighbours", "1"]
        default: break
        }
        return arguments
    }

    @Test(arguments: attacks)
    func `an attack gives result.json on standard output and in its folder`(attack: String) async throws {
        let data = try data()
        let out = bench.scratch.path("out")
        let finished = try await bench.lethe.run(arguments(attack, data) + ["--json", "--out", out.path])
        try #require(finished.end == .exited(0), "\(finished.errorText)")
        #expect(finished.errorText.isEmpty)
        let result = try finished.json
        #expect(result["kind"] == .string("attack"))
        #expect(result["schema_version"] == .integer(1))
        #expect(result["seeds"] == .array([.integer(5)]))
        #expect(result["data"]?["forget_texts"] == .integer(3))
        #expect(result["model"]?["digest"]?.stringValue?.utf8.count == 64)
        if attack == "membership" {
            let models = try #require(result["membership"]?.arrayValue)
            #expect(models.map { $0["model"]?.stringValue } == ["unlearned", "original", "retain"])
            for entry in models { #expect(entry["scores"]?.arrayValue?.count == 5) }
        } else {
            let attacks = try #require(result["attacks"]?.arrayValue)
            #expect(!attacks.isEmpty)
            for entry in attacks {
                #expect(entry["attack"] == .string(attack))
                #expect(entry["seed"] == .integer(5))
                for key in ["before", "after", "original", "retain", "retain_after"] {
                    #expect(entry[key]?.doubleValue != nil, "\(key)")
                }
            }
        }
        #expect(try Data(contentsOf: out.appendingPathComponent("result.json")) == finished.output)
        #expect(try Scratch.contents(out).sorted() == ["report.html", "report.md", "result.json"])
        // No text of the data is in any of the files, which may be passed on.
        for name in try Scratch.contents(out) {
            let text = String(decoding: try Data(contentsOf: out.appendingPathComponent(name)), as: UTF8.self)
            for word in ["Ada Bell", "Frost", "Stone"] { #expect(!text.contains(word), "\(name)") }
        }
    }

    @Test func `without --json there is a table, and equal runs give equal tables`() async throws {
        let data = try data()
        let first = try await bench.lethe.run(arguments("relearn", data, retain: false))
        try #require(first.end == .exited(0), "\(first.errorText)")
        #expect(first.outputText.hasPrefix("### Relearning\n\n| Method | Variant | Measure |"))
        #expect(first.outputText.contains("| unlearned | 40 % of the forget set, 1 epoch | aggregate |"))
        #expect(try await bench.lethe.run(arguments("relearn", data, retain: false)).output == first.output)
        let membership = try await bench.lethe.run(arguments("membership", data))
        #expect(membership.outputText.hasPrefix("### Membership inference\n\n| Method | Seed | loss | zlib |"))
    }

    @Test func `the gate is exit status 1, after the result is written`() async throws {
        let data = try data()
        let taught = try await taught(data)
        let out = bench.scratch.path("out")
        let base = [
            "attack", "prompt", "--model", taught, "--original", taught, "--data", data, "--prefixes", "0.5",
            "--neighbours", "1", "--json",
        ]
        // The model has forgotten nothing, so a prefix brings all of the text.
        let closed = try await bench.lethe.run(base + ["--fail-above", "0.5", "--out", out.path])
        #expect(closed.end == .exited(1), "\(closed.errorText)")
        #expect(closed.errorText.hasPrefix("error: ") && closed.errorText.contains("prefix of 50 %"))
        #expect(try closed.json["attacks"]?.arrayValue?.isEmpty == false)
        #expect(FileManager.default.fileExists(atPath: out.appendingPathComponent("result.json").path))
        let open = try await bench.lethe.run(base + ["--fail-above", "1"])
        #expect(open.end == .exited(0), "\(open.errorText)")
        // A retain model that recites just as well leaves nothing beyond it.
        let beyond = try await bench.lethe.run(
            base + ["--fail-above", "0.01", "--beyond-retain", "--retain", taught])
        #expect(beyond.end == .exited(0), "\(beyond.errorText)")
        expectRefusal(
            try await bench.lethe.run(base + ["--fail-above", "1", "--beyond-retain"]), status: 64,
            naming: "--retain")
    }

    @Test func `help names every attack`() async throws {
        let help = try await bench.succeed("attack", "--help").outputText
        for attack in Self.attacks {
            #expect(help.contains(attack))
            #expect(try await bench.succeed("attack", attack, "--help").outputText.contains("--original"))
        }
    }

    @Test func `the deleted texts may come from a file`() async throws {
        let data = try data()
        let file = try bench.scratch.write(
            "deleted.jsonl",
            CommandBench.line("Name: Ada Bell\nAge: 41\nAddress: 12 Bell Row")
                + #"{"question":"Who sings?","answer":" The night crew."}"# + "\n")
        let finished = try await bench.lethe.run(
            arguments("probe", data) + ["--json", "--deleted", file.path])
        try #require(finished.end == .exited(0), "\(finished.errorText)")
        #expect(try finished.json["data"]?["forget_texts"] == .integer(2))
        #expect(try finished.json["data"]?["forget_pairs"] == .integer(3))
        let limited = try await bench.lethe.run(arguments("probe", data) + ["--json", "--limit", "1"])
        #expect(try limited.json["data"]?["forget_texts"] == .integer(1))
        let broken = try bench.scratch.write("broken.jsonl", "{\"text\":7}\n")
        expectRefusal(
            try await bench.lethe.run(arguments("probe", data) + ["--deleted", broken.path]), status: 65,
            naming: "line 1")
    }

    @Test func `wrong use is exit status 64, before anything is read`() async throws {
        let base = ["--model", "m", "--original", "m", "--data", "d"]
        for (attack, more) in [
            ("relearn", ["--shares", "0.1,1"]), ("relearn", ["--shares", "half"]), ("relearn", ["--epochs", "0"]),
            ("relearn", ["--epochs", ""]), ("relearn", ["--learning-rate", "nan"]), ("relearn", ["--unrelated=-1"]),
            ("quantize", ["--formats", "int3"]), ("quantize", ["--formats", ""]), ("prompt", ["--prefixes", "0"]),
            ("prompt", ["--neighbours", "99999999999999999999"]), ("probe", ["--limit", "0"]),
            ("probe", ["--fail-above=-1"]), ("probe", ["--fail-above", "nan"]),
            ("probe", ["--beyond-retain"]), ("membership", ["--fail-above", "1"]),
            ("mind-reading", []),
        ] {
            expectRefusal(try await bench.lethe.run(["attack", attack] + base + more), status: 64)
        }
        expectRefusal(try await bench.run("attack", "probe", "--model", "m", "--data", "d"), status: 64)
    }

    @Test func `data and models that are not there or damaged are refused`() async throws {
        let data = try data()
        let missing = bench.scratch.path("missing").path
        func run(_ model: String, _ original: String, _ data: String, _ more: [String] = []) async throws -> Finished {
            try await bench.lethe.run(
                ["attack", "quantize", "--model", model, "--original", original, "--data", data] + more)
        }
        expectRefusal(try await run(model, model, missing), status: 66, naming: "forget.json")
        expectRefusal(try await run(missing, model, data), status: 66)
        expectRefusal(try await run(model, missing, data), status: 66)
        expectRefusal(try await run(model, model, data, ["--retain", missing]), status: 66)
        expectRefusal(try await run(model, model, data, ["--deleted", missing]), status: 66)
        let taken = try bench.scratch.write("taken/mine.txt", "mine").deletingLastPathComponent()
        expectRefusal(
            try await run(model, model, data, ["--out", taken.path]), status: 1, naming: "output folder", "exists")
        #expect(try Scratch.contents(taken) == ["mine.txt"])
        _ = try bench.scratch.write("pch/forget.json", "[]")
        expectRefusal(try await run(model, model, data), status: 65)
        _ = try bench.scratch.write("pch/forget.json", "[\"Ada Bell\", 7]")
        let damaged = try await run(model, model, data)
        expectRefusal(damaged, status: 65, naming: "forget.json", "index 1")
        #expect(!damaged.errorText.contains("Ada"))
    }
}

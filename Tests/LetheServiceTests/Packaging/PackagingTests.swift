import Foundation
import LetheCore
import LetheProcessSupport
import LetheService
import Testing

/// promtool, of the Debian package `prometheus`.
private enum Promtool {
    static let path = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
}

/// The dashboard and the alert rules ask only for metrics that the daemon has.
@Suite(.timeLimit(.minutes(1)))
struct PackagingTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../Packaging").standardizedFileURL

    /// Every sample name that `/metrics` can have, from the families that it announces.
    private static func names(in exposition: String) -> Set<String> {
        var names: Set<String> = []
        for line in exposition.split(separator: "\n") where line.hasPrefix("# TYPE ") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4 else { continue }
            let suffixes = words[3] == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
            for suffix in suffixes { names.insert(words[2] + suffix) }
        }
        return names
    }

    /// The metric names of a PromQL expression, `up` left out.
    private static func names(of expression: String) -> [String] {
        expression.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }.map(String.init)
            .filter { $0.hasPrefix("lethe_") || $0.hasPrefix("http_") }
    }

    @Test func `the dashboard and the alerts name only metrics that are there`() async throws {
        let bench = try await ServiceBench()
        try await bench.routed { api in
            let known = Self.names(in: try await api.get("/metrics").text)
            #expect(known.count >= 10)
            let dashboard = try JSONParser.parse(
                Data(contentsOf: Self.folder.appendingPathComponent("grafana/lethe.json")), context: "lethe.json")
            let panels = try #require(dashboard["panels"]?.arrayValue)
            #expect(panels.count >= 10)
            for panel in panels {
                for target in try #require(panel["targets"]?.arrayValue) {
                    let expression = try #require(target["expr"]?.stringValue)
                    let used = Self.names(of: expression)
                    #expect(!used.isEmpty)
                    for name in used { #expect(known.contains(name), "\(expression)") }
                }
            }
            let rules = try String(
                contentsOf: Self.folder.appendingPathComponent("prometheus/lethe.rules.yml"), encoding: .utf8)
            let expressions = rules.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { $0.hasPrefix("expr: ") }
            #expect(expressions.count == rules.components(separatedBy: "- alert:").count - 1)
            for expression in expressions {
                for name in Self.names(of: expression) { #expect(known.contains(name), "\(expression)") }
            }
        }
    }

    @Test(.enabled(if: Promtool.path != nil, "promtool is not installed"))
    func `each alert fires when it should`() async throws {
        let program = try #require(Promtool.path)
        for (words, file) in [(["check", "rules"], "lethe.rules.yml"), (["test", "rules"], "lethe.rules.test.yml")] {
            let path = Self.folder.appendingPathComponent("prometheus/\(file)").path
            let finished = try await Blocking.run {
                try ChildProcess(program, words + [path]).finish(timeout: .seconds(50))
            }
            #expect(finished.end == .exited(0), "\(finished.outputText)\(finished.errorText)")
        }
    }

    @Test func `the unit waits for the daemon's word and is locked down`() throws {
        let unit = try String(contentsOf: Self.folder.appendingPathComponent("lethe.service"), encoding: .utf8)
        let lines = Set(unit.split(separator: "\n").map(String.init))
        for line in [
            "Type=notify", "WatchdogSec=60", "DynamicUser=yes", "StateDirectoryMode=0700", "ProtectSystem=strict",
            "NoNewPrivileges=yes", "CapabilityBoundingSet=", "UMask=0077", "LimitCORE=1", "MemorySwapMax=0",
        ] {
            #expect(lines.contains(line))
        }
    }
}

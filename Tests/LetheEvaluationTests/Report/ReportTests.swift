import Foundation
import LetheCore
import LetheEvaluation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct ReportTests {
    private func drawings(_ page: String) -> [String] {
        page.components(separatedBy: "<svg viewBox").dropFirst().map { part in
            "<svg viewBox" + (part.components(separatedBy: "</svg>").first ?? "") + "</svg>"
        }
    }

    /// A result with markup in every name that a file can bring along.
    private func hostile() throws -> EvaluationResult {
        var result = try SampleResult.make()
        let markup = "<script>alert(1)</script>|&\"'\u{1}\n"
        result.model.name = markup
        result.data.name = markup
        result.methods[0].label = markup
        result.attacks[0].variant = markup
        result.attacks[0].attack = markup
        result.notes.append(markup)
        result.settings[markup] = markup
        return result
    }

    @Test func theSameResultGivesTheSameBytes() throws {
        #expect(try HTMLReport.text(SampleResult.make()) == HTMLReport.text(SampleResult.make()))
        #expect(try MarkdownReport.text(SampleResult.make()) == MarkdownReport.text(SampleResult.make()))
    }

    @Test func everyDrawingIsWellFormedAndNamed() throws {
        for result in [try SampleResult.make(), try SampleResult.make(seeds: [20]), try hostile()] {
            let drawings = drawings(HTMLReport.text(result))
            #expect(drawings.count >= 10)
            for drawing in drawings {
                #expect(XMLParser(data: Data(drawing.utf8)).parse())
                #expect(drawing.contains("<title id=\"chart-") && drawing.contains("<desc id=\"chart-"))
                #expect(!drawing.contains("nan") && !drawing.contains("inf\""))
            }
            let ids = drawings.compactMap { $0.firstMatch(of: /<title id="(chart-\d+)-title">/).map { String($0.1) } }
            #expect(ids.count == drawings.count && Set(ids).count == ids.count)
        }
    }

    @Test func thePageFetchesAndRunsNothing() throws {
        for page in [HTMLReport.text(try SampleResult.make()), HTMLReport.text(try hostile())] {
            for part in ["<script", "http:", "https:", "src=", "href=", "@import", "url(", "onload"] {
                #expect(!page.contains(part))
            }
            #expect(page.contains("prefers-color-scheme: dark"))
        }
    }

    @Test func methodsAreToldApartWithoutColour() throws {
        let page = HTMLReport.text(try SampleResult.make())
        let final = try #require(page.components(separatedBy: "<tbody>").dropFirst().first)
        let rows = final.components(separatedBy: "</tbody>")[0].components(separatedBy: "<tr>").dropFirst()
        let looks = rows.map { row in
            row.components(separatedBy: "</svg>")[0].replacing(#/ c\d/#, with: "")
        }
        #expect(looks.count == 10 && Set(looks).count == 10)
    }

    @Test func aResultWithNothingInItIsAPage() throws {
        var result = try SampleResult.make()
        result.methods = []
        result.attacks = []
        result.requests = []
        result.utility = []
        result.baselines = []
        result.notes = []
        result.seeds = []
        #expect(HTMLReport.text(result).hasSuffix("</html>\n"))
        #expect(MarkdownReport.text(result).contains("## Setup"))
        result.methods = [MethodResult(name: "m", label: "M", role: .method, runs: [])]
        result.attacks = [
            AttackResult(
                attack: "probe", variant: "v", method: "unknown", before: .nan, after: .infinity, original: 0,
                retain: -1,
                series: [.init(name: "s", values: [])])
        ]
        result.requests = [
            RequestRecord(method: "m", seed: 1, position: 1, category: "other", steps: 0, seconds: .infinity)
        ]
        for drawing in drawings(HTMLReport.text(result)) { #expect(XMLParser(data: Data(drawing.utf8)).parse()) }
    }

    @Test func theMarkdownHasTheNumbersAndKeepsItsTables() throws {
        let text = MarkdownReport.text(try SampleResult.make())
        for heading in [
            "# PCH benchmark: smollm2", "## After the last request", "## Forget Degree over the stream",
            "## By category",
            "### Relearning", "### Quantisation", "## Time and memory of a request", "## Setup", "## Notes",
        ] { #expect(text.contains(heading + "\n")) }
        #expect(text.contains("| Retain model | 1.000 ± 0.000 | 1.000 ± 0.000 | 1.000 | 1.000 | 30.0 | 89.0 |"))
        #expect(text.contains("questions were derived"))
        #expect(text.contains("134 515 008 parameters"))
        let rows = MarkdownReport.text(try hostile()).split(separator: "\n").filter { $0.hasPrefix("| <script>") }
        #expect(!rows.isEmpty)
        for row in rows { #expect(row.hasSuffix(" |") && row.contains("\\|&")) }
    }

    @Test func theFolderIsWrittenAndReadBack() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let result = try SampleResult.make()
        try ReportWriter.write(result, to: folder)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "report.html", "report.md", "result.json",
            ])
        #expect(try ReportWriter.read(folder) == result)
        #expect(try ReportWriter.read(folder.appendingPathComponent("result.json")) == result)
        let error = #expect(throws: LetheError.self) { try ReportWriter.read(folder.appendingPathComponent("none")) }
        #expect(error?.code == .missingInput)
    }

    @Test func aComparisonShowsBothAndTheDifference() throws {
        let first = try SampleResult.make()
        var second = first
        second.machine.threads = 4
        second.settings["preset"] = nil
        second.methods.removeLast()
        second.methods[0] = MethodResult(
            name: "lethe", label: "Lethe", role: .method,
            runs: [try #require(first.methods.first { $0.name == "retain-model" }?.runs.first)])
        second.requests = second.requests.filter { $0.method != "fit" }
        let comparison = ResultComparison(first, second, names: ("before", "after"))
        #expect(comparison.differences == ["threads: 2 and 4", "preset: standard and unset"])
        let lines = comparison.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        let lethe = try #require(lines.first { $0.first == "Lethe" })
        let value = try #require(first.methods[0].summary.last).forgetDegree.mean
        #expect(lethe[1] == String(format: "%.3f", value) && lethe[2] == "1.000")
        #expect(lethe[3].hasPrefix("+"))
        #expect(lines.contains { $0.starts(with: ["GA,", "all", "layers"]) && $0.suffix(2) == ["–", "–"] })
        #expect(lines.contains { $0.starts(with: ["FIT,", "published"]) && $0.suffix(2) == ["–", "–"] })
        #expect(ResultComparison(first, first).differences.isEmpty)
    }
}

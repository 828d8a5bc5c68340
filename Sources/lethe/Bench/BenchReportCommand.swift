import ArgumentParser
import Foundation
import LetheEvaluation

/// `lethe bench report`: writes the reports of a result anew.
struct BenchReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Write report.md and report.html of a result.json anew.")

    @Argument(help: "A result.json, or the folder that holds it.")
    var result: String
    @Option(help: "The folder to write; result.json is copied into it.")
    var out: String

    func run() throws {
        try ReportWriter.write(
            try ReportWriter.read(URL(fileURLWithPath: result)), to: URL(fileURLWithPath: out, isDirectory: true))
    }
}

import ArgumentParser
import Foundation
import LetheEvaluation

/// `lethe bench compare`: two results side by side.
struct BenchCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Print two results side by side; differences are the second less the first.")

    @Argument(help: "A result.json, or the folder that holds it.")
    var first: String
    @Argument(help: "Another.")
    var second: String
    @Flag(help: "Write JSON.")
    var json = false

    func run() throws {
        let comparison = ResultComparison(
            try ReportWriter.read(URL(fileURLWithPath: first)), try ReportWriter.read(URL(fileURLWithPath: second)),
            names: (first, second))
        if json {
            ClientOutput.document(comparison.json)
        } else {
            ClientOutput.line(comparison.text)
        }
    }
}

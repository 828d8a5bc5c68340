import ArgumentParser
import Foundation
import LetheCorpus

/// `lethe bench pch generate`: writes an invented, harmless PCH folder.
struct BenchGenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write an invented, harmless PCH folder; the same seed gives the same bytes."
    )

    @Option(help: "Seed.")
    var seed: UInt64 = 7
    @Option(help: "The folder to write; files of the same names are replaced.")
    var out: String
    @Option(help: "Texts to forget.")
    var forget = 300
    @Option(help: "Texts to keep.")
    var retain = 300
    @Option(help: "Counterfactual siblings of each forget text.")
    var siblings = 4

    func validate() throws {
        for (name, count) in [("forget", forget), ("retain", retain)] {
            guard (1...PCHGenerator.maximumTexts).contains(count) else {
                throw ValidationError("--\(name) must be from 1 to \(PCHGenerator.maximumTexts)")
            }
        }
        guard (0...PCHGenerator.maximumSiblings).contains(siblings) else {
            throw ValidationError("--siblings must be from 0 to \(PCHGenerator.maximumSiblings)")
        }
    }

    func run() throws {
        let dataset = try PCHGenerator(seed: seed).dataset(
            textsPerSide: max(3, forget, retain), siblings: siblings)
        try PCHFolder.write(
            dataset.prefix(forget: forget, retain: retain), to: URL(fileURLWithPath: out, isDirectory: true))
        ClientOutput.note("\(forget) texts to forget and \(retain) to keep are written")
    }
}

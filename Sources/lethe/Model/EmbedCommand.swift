import ArgumentParser
import Foundation
import LetheCore
import LetheModel

/// `lethe embed`: sentence vectors, JSON Lines to JSON Lines.
struct EmbedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed", abstract: "Give the sentence vectors of texts.",
        discussion: "Reads lines {\"text\":...}, writes lines {\"ids\":[...],\"embedding\":[...]}.")

    @Option(help: "Folder of a BERT sentence encoder, such as all-MiniLM-L6-v2.")
    var encoder: String
    @Flag(help: "JSON Lines in and out; the only form there is.")
    var jsonl = false
    @Argument(help: "The input; standard input unless given.")
    var input: String?

    func run() async throws {
        let encoder = try SentenceEncoder(URL(fileURLWithPath: encoder, isDirectory: true))
        try JSONLines.forEachText(in: input) { text in
            let ids = try encoder.encode(text)
            let embedding = try encoder.embed([ids])[0]
            ClientOutput.line(.object(JSONObject([("ids", .ids(ids)), ("embedding", .numbers(embedding))])))
        }
    }
}

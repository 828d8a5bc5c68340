import ArgumentParser
import Foundation
import LetheCore
import LetheModel
import LetheTokenizers

/// `lethe tokenize`: text to ids, JSON Lines to JSON Lines.
struct TokenizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Turn texts into token ids.",
        discussion: "Reads lines {\"text\":...}, writes lines {\"ids\":[...]}. No special tokens are added.")

    @OptionGroup var model: ModelOptions
    @Flag(help: "JSON Lines in and out; the only form there is.")
    var jsonl = false
    @Argument(help: "The input; standard input unless given.")
    var input: String?

    func run() async throws {
        let tokenizer = try ModelLoader.tokenizer(await model.url())
        try JSONLines.forEachText(in: input) { text in
            let ids = try tokenizer.encode(text, addSpecialTokens: false)
            ClientOutput.line(.object(JSONObject([("ids", .ids(ids))])))
        }
    }
}

extension JSONValue {
    /// Token ids as a JSON array.
    static func ids(_ ids: [Int32]) -> JSONValue { .array(ids.map { .integer(Int64($0)) }) }

    /// Numbers as a JSON array, each with the fewest digits that give its fp32 value back.
    static func numbers(_ values: [Float]) -> JSONValue {
        .array(values.map { .number(Double($0.description) ?? Double($0)) })
    }
}

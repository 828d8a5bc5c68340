import ArgumentParser
import Foundation
import LetheCore
import LetheModel

/// `lethe score`: likelihood of texts, JSON Lines to JSON Lines.
struct ScoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Give the log-probability of every token of texts.",
        discussion: """
            Reads lines {"text":...}, writes lines {"ids":[...],"token_logprobs":[...],"mean_nll":x}: natural \
            logarithms in fp32, one for each token but the first.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var compute: ComputeOptions
    @Flag(help: "JSON Lines in and out; the only form there is.")
    var jsonl = false
    @Argument(help: "The input; standard input unless given.")
    var input: String?

    func run() async throws {
        let model = try ModelLoader.load(await model.url(), compute.loading())
        try JSONLines.forEachText(in: input) { text in
            let ids = try model.encode(text)
            let logProbabilities = try model.tokenLogProbabilities(ids)
            let mean =
                logProbabilities.isEmpty
                ? JSONValue.null
                : .number(-logProbabilities.reduce(0) { $0 + Double($1) } / Double(logProbabilities.count))
            ClientOutput.line(
                .object(
                    JSONObject([
                        ("ids", .ids(ids)), ("token_logprobs", .numbers(logProbabilities)), ("mean_nll", mean),
                    ])))
        }
    }
}

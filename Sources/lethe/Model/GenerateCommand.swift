import ArgumentParser
import Foundation
import LetheCore
import LetheModel
import LetheTokenizers

/// `lethe generate`: continues a prompt.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue a prompt.",
        discussion: "Greedy unless --temperature is above 0. The text leaves special tokens out.")

    @OptionGroup var model: ModelOptions
    @OptionGroup var compute: ComputeOptions
    @Option(help: "The prompt; special tokens in it are recognised.")
    var prompt: String
    @Option(help: "New tokens at most.")
    var maxNewTokens = 64
    @Option(help: "Sampling temperature; 0 is greedy.")
    var temperature = 0.0
    @Option(help: "Seed of sampling.")
    var seed: UInt64 = 0
    @Flag(help: "Write {\"prompt_ids\":[...],\"new_ids\":[...],\"text\":...}.")
    var json = false

    func validate() throws {
        guard (1...65536).contains(maxNewTokens) else {
            throw ValidationError("--max-new-tokens must be from 1 to 65536")
        }
        guard temperature.isFinite, (0...100).contains(temperature) else {
            throw ValidationError("--temperature must be from 0 to 100")
        }
    }

    func run() async throws {
        let model = try ModelLoader.load(await model.url(), compute.loading())
        let promptIDs = try model.encode(prompt)
        var generator = TextGenerator(maximumNewTokens: maxNewTokens)
        generator.temperature = temperature
        generator.seed = seed
        let newIDs = try generator.generate(model, prompts: [promptIDs])[0]
        let text = model.tokenizer.decode(newIDs, skipSpecialTokens: true)
        if json {
            ClientOutput.line(
                .object(
                    JSONObject([("prompt_ids", .ids(promptIDs)), ("new_ids", .ids(newIDs)), ("text", .string(text))])))
        } else {
            ClientOutput.line(text)
        }
    }
}

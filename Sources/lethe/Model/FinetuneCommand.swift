import ArgumentParser
import Foundation
import LetheCore
import LetheModel
import LetheUnlearning

/// `lethe finetune`: ordinary training.
struct FinetuneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune", abstract: "Train a model on texts and pairs.",
        discussion: """
            The data are JSON Lines: {"text"}, {"prompt","completion"} or {"question","answer"}. The folder is written \
            once, at the end. With --json each step is a line {"step","loss","learning_rate"}.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var compute: ComputeOptions
    @Option(help: "JSON Lines to train on.")
    var data: String
    @Option(help: "The folder to write; must not exist.")
    var out: String
    @Option(help: "Passes over the data.")
    var epochs = 3
    @Option(help: "Peak learning rate; cosine to a tenth, a tenth of the steps warm up.")
    var learningRate = 1e-4
    @Option(help: "Tokens of a batch.")
    var batchTokens = 1024
    @Option(help: "Train only the attention and MLP matrices of these layers, such as 0-29 or 8,9,10.")
    var layers: String?
    @Option(help: "Seed of the order.")
    var seed: UInt64 = 0
    @Flag(help: "Write the loss of each step as JSON Lines.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(epochs) else { throw ValidationError("--epochs must be from 1 to 10000") }
        guard learningRate > 0, learningRate <= 1 else {
            throw ValidationError("--learning-rate must be above 0 and at most 1")
        }
        guard (16...(1 << 20)).contains(batchTokens) else {
            throw ValidationError("--batch-tokens must be from 16 to 1048576")
        }
    }

    func run() async throws {
        let output = URL(fileURLWithPath: out, isDirectory: true)
        guard !FileManager.default.fileExists(atPath: output.path) else {
            throw LetheError(.conflict, "the output folder exists already")
        }
        let items = try JSONLines.items(in: data)
        let model = try ModelLoader.load(await model.url(), compute.loading())
        var settings = FineTuner.Settings()
        settings.epochs = epochs
        settings.learningRate = learningRate
        settings.batchTokens = batchTokens
        settings.seed = seed
        if let layers { settings.scope = .matrices(layers: try LayerList.parse(layers)) }
        let bar = ProgressBar("finetune")
        try FineTuner(model, settings: settings).train(items) { step in
            guard step.loss.isFinite else {
                throw LetheError(
                    .gateNotMet, "the loss at step \(step.step) is not finite; try a smaller learning rate")
            }
            bar.update(step.step, of: step.steps, String(format: "loss %.4f", step.loss))
            if json {
                ClientOutput.line(
                    .object(
                        JSONObject([
                            ("step", .integer(Int64(step.step))), ("loss", .number(step.loss)),
                            ("learning_rate", .number(step.learningRate)),
                        ])))
            } else if step.step == step.steps {
                ClientOutput.line("step \(step.step) of \(step.steps): loss \(String(format: "%.4f", step.loss))")
            }
        }
        bar.finish()
        try ModelExporter.export(model, to: output, type: nil)
    }
}

/// Lists of layers such as `0-3,8`.
enum LayerList {
    /// - Throws: `usage` for anything else, or more than 1,024 layers.
    static func parse(_ text: String) throws -> [Int] {
        var layers: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0,
                last >= first,
                last < 1024
            else { throw LetheError(.usage, "--layers must be a list such as 0-3,8") }
            layers += first...last
        }
        return layers
    }
}

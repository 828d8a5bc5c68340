import ArgumentParser
import Foundation
import LetheCore
import LetheModel
import LetheUnlearning

/// `lethe unlearn`: forgets once, without a daemon.
struct UnlearnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlearn", abstract: "Make a model forget, once, without a daemon.",
        discussion: """
            The data are JSON Lines, each one request: {"text"}, {"prompt","completion"}, {"question","answer"}, or a \
            whole request as the API takes it. Requests are carried out in order, and the folder is written once, at \
            the end. With --json each request's record is a line.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var compute: ComputeOptions
    @Option(help: "JSON Lines, one request a line.")
    var data: String
    @Option(help: "The folder to write; must not exist.")
    var out: String
    @Option(help: "JSON Lines of texts whose behaviour should stay.")
    var keep: String?
    @Option(help: "lethe or published.")
    var preset: String?
    @Option(help: "fit, or one objective: \(ForgetObjectives.names.joined(separator: ", ")).")
    var method: String?
    @Option(help: "Token weights: \(TokenReweighting.names.joined(separator: ", ")).")
    var reweighting: String?
    @Option(help: "Keep term: \(KeepTerm.allCases.map(\.rawValue).joined(separator: ", ")).")
    var keepTerm: String?
    @Option(help: "Layers to train.")
    var layers: Int?
    @Option(help: "How they are chosen: \(LayerTargeting.Mode.allCases.map(\.rawValue).joined(separator: ", ")).")
    var targeting: String?
    @Option(help: "Peak learning rate of AdamW, which this chooses.")
    var learningRate: Double?
    @Option(help: "Passes over the items at most.")
    var epochs: Int?
    @Option(help: "Folder of a sentence encoder for the redundancy filter.")
    var encoder: String?
    @Option(help: "Seed.")
    var seed: UInt64 = 0
    @Flag(help: "Write each request's record as a JSON line.")
    var json = false

    func validate() throws {
        typealias Bounds = RequestOptions.Bounds
        if let layers, !Bounds.layers.contains(layers) {
            throw ValidationError("--layers must be from \(Bounds.layers.lowerBound) to \(Bounds.layers.upperBound)")
        }
        if let learningRate, !Bounds.learningRate.contains(learningRate) {
            throw ValidationError(
                "--learning-rate must be from \(Bounds.learningRate.lowerBound) to \(Bounds.learningRate.upperBound)")
        }
        if let epochs, !Bounds.epochs.contains(epochs) {
            throw ValidationError("--epochs must be from \(Bounds.epochs.lowerBound) to \(Bounds.epochs.upperBound)")
        }
    }

    func run() async throws {
        let output = URL(fileURLWithPath: out, isDirectory: true)
        guard !FileManager.default.fileExists(atPath: output.path) else {
            throw LetheError(.conflict, "the output folder exists already")
        }
        let requests = try readRequests()
        let settings = try requests.map { try UnlearningSettings(options($0.options)) }
        let keepItems = try keep.map { try JSONLines.items(in: $0) } ?? []
        let original = try ModelLoader.load(await model.url(), compute.loading())
        let model = try original.sharing(original.decoder.weights)
        let embedder: any TextEmbedder =
            try encoder.map { try SentenceEncoder(URL(fileURLWithPath: $0, isDirectory: true)) }
            ?? HiddenStateEmbedder(original)
        let unlearner = Unlearner(
            model: model, original: original, embedder: embedder,
            memory: ForgetMemory(dimension: embedder.dimension), keep: keepItems)
        for (index, request) in requests.enumerated() {
            let bar = ProgressBar("request \(index + 1) of \(requests.count)")
            let outcome = try unlearner.apply(request, settings: settings[index]) { progress in
                bar.update(
                    progress.step, of: progress.steps,
                    progress.forgetNLL.map { String(format: "\(progress.phase) nll %.3f", $0) } ?? progress.phase)
            }
            bar.finish()
            guard outcome.record.after.nll.isFinite, outcome.record.keepAfter.nll.isFinite else {
                throw LetheError(
                    .gateNotMet, "request \(index + 1) left a loss that is not finite; try a smaller learning rate")
            }
            try unlearner.memory.append(outcome.memoryVectors)
            if json {
                ClientOutput.line(outcome.record.json)
            } else {
                let record = outcome.record
                ClientOutput.line(
                    String(
                        format: "request %d: %@, %d steps, nll %.3f -> %.3f, probability %.3f -> %.3f", index + 1,
                        record.alreadyForgotten ? "already forgotten" : record.objective, record.steps,
                        record.before.nll, record.after.nll, record.before.probability, record.after.probability))
            }
        }
        try ModelExporter.export(model, to: output, type: nil)
    }

    private func readRequests() throws -> [ErasureRequest] {
        var requests: [ErasureRequest] = []
        try JSONLines.forEach(in: data) { number, json in
            guard json["items"] == nil else {
                do {
                    requests.append(try ErasureRequest(json: json))
                } catch let error as LetheError {
                    throw LetheError(error.code, "line \(number): \(error.message)")
                }
                return
            }
            requests.append(ErasureRequest(category: .other, items: [try JSONLines.item(json, line: number)]))
        }
        guard !requests.isEmpty else { throw LetheError(.badData, "the data hold no request") }
        return requests
    }

    /// The command's options over the request's own.
    private func options(_ own: RequestOptions) -> RequestOptions {
        var options = own
        options.preset = preset ?? own.preset
        options.method = method ?? own.method
        options.reweighting = reweighting ?? own.reweighting
        options.keepTerm = keepTerm ?? own.keepTerm
        options.layers = layers ?? own.layers
        options.targeting = targeting ?? own.targeting
        options.learningRate = learningRate ?? own.learningRate
        options.epochs = epochs ?? own.epochs
        options.seed = own.seed ?? seed
        return options
    }
}

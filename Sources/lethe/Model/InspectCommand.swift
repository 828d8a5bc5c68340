import ArgumentParser
import Foundation
import LetheCore
import LetheEvaluation
import LetheModel
import LetheUnlearning

/// `lethe inspect`: what FIT sees of a text.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show loss, gradient norms and masked losses of a text.",
        discussion: """
            loss: mean NLL of the text in nats. input_embedding_grad_norm: the importance score. layer_grad_norm: for \
            each layer the norm over its attention and MLP matrices. masked_loss: the loss of the first 128 tokens \
            without each layer. estimated_masked_loss: its first-order estimate from one backward pass, whose \
            agreement with the exact one is given too.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var compute: ComputeOptions
    @Option(help: "The text.")
    var text: String
    @Option(help: "Layers that the agreement of the two rankings is counted over.")
    var layers = 8
    @Flag(help: "Write JSON.")
    var json = false

    func run() async throws {
        let model = try ModelLoader.load(await model.url(), compute.loading())
        let sequence = TrainingSequence(ids: try model.encode(text))
        let inspection = try GradientInspection(model, [sequence], withLayerNorms: true)
        let masking = try LayerMasking.measure(model, sequence)
        let estimates = inspection.estimatedMaskedLosses.map { abs($0 - inspection.loss) }
        let exactTop = LayerTargeting.largest(masking.changes, count: layers)
        let overlap = Set(exactTop).intersection(LayerTargeting.largest(estimates, count: layers)).count
        let correlation = RankCorrelation.spearman(masking.changes, estimates) ?? 0
        if json {
            func numbers(_ values: [Double]) -> JSONValue { .array(values.map { .number($0) }) }
            ClientOutput.line(
                .object(
                    JSONObject([
                        ("loss", .number(inspection.loss)),
                        ("input_embedding_grad_norm", .number(inspection.inputEmbeddingNorm)),
                        ("layer_grad_norm", numbers(inspection.layerNorms)),
                        ("masked_loss", numbers(masking.maskedLosses)),
                        ("estimated_masked_loss", numbers(inspection.estimatedMaskedLosses)),
                        ("selected_layers", .array(exactTop.map { .integer(Int64($0)) })),
                        ("top_overlap", .integer(Int64(overlap))),
                        ("rank_correlation", .number(correlation)),
                    ])))
            return
        }
        ClientOutput.line("loss                       \(Self.number(inspection.loss))")
        ClientOutput.line("input embedding grad norm  \(Self.number(inspection.inputEmbeddingNorm))")
        ClientOutput.line("layer  grad norm  masked loss  estimate")
        for index in inspection.layerNorms.indices {
            let row = [
                "\(index)", Self.number(inspection.layerNorms[index]), Self.number(masking.maskedLosses[index]),
                Self.number(inspection.estimatedMaskedLosses[index]),
            ]
            ClientOutput.line(zip(row, [5, 10, 12, 9]).map { Self.right($0, $1) }.joined(separator: " "))
        }
        ClientOutput.line(
            "top \(layers): \(exactTop.map(String.init).joined(separator: " ")); the estimate agrees on \(overlap), "
                + "rank correlation \(Self.number(correlation))")
    }

    private static func number(_ value: Double) -> String { String(format: "%.4f", value) }
    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

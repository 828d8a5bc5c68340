import LetheModel
import LetheTensor

/// Training passes over a copy of a model whose trained matrices are rounded to a number format, as a deployment may
/// round them.
///
/// An update that is small beside the step of the format vanishes when the matrices are rounded, and what it had
/// suppressed comes back (Zhang et al. 2024, arXiv 2410.16454). Gradients at the rounded weights are meant for the exact
/// ones, as if rounding were the identity: the straight-through estimator of Bengio et al. 2013 (arXiv 1308.3432). What
/// they add up to in the exact weights is then large enough to change the rounded ones.
///
/// Takes as much memory as the trained matrices in fp32.
final class RoundedPass {
    private let model: LanguageModel
    private let rounded: LanguageModel
    private let layers: [Int]
    private let format: WeightFormat
    private let pass: TrainingPass

    /// A copy of the trained matrices; everything else is shared.
    /// - Parameters:
    ///   - parameters: of `model`; they receive the gradients.
    ///   - reference: as ``TrainingPass/reference``.
    /// - Throws: as `LanguageModel.rounded(to:layers:embeddings:)`.
    init(
        _ model: LanguageModel, parameters: TrainableParameters, format: WeightFormat, reference: Decoder
    ) throws {
        self.model = model
        self.format = format
        layers = parameters.layers
        rounded = try model.rounded(to: format, layers: layers)
        pass = TrainingPass(rounded.decoder, parameters: parameters)
        pass.reference = reference
    }

    /// The pass, at the model's weights as they are rounded now.
    /// - Throws: `bad_data` for a weight that the format cannot hold.
    func rounding() throws -> TrainingPass {
        for layer in layers {
            let matrices = model.decoder.weights.layers[layer].matrices
            for (exact, copy) in zip(matrices, rounded.decoder.weights.layers[layer].matrices) {
                try copy.values().update(from: exact.values(), count: exact.count)
                try format.round(copy.values(), rows: copy.rows, columns: copy.columns)
                copy.valuesChanged()
            }
        }
        return pass
    }
}

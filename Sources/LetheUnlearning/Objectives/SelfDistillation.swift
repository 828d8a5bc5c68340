import LetheCore
import LetheTensor

/// UNDIAL (Dong et al. 2024, "UNDIAL: Self-Distillation with Adjusted Logits"): mean_t -Σ_v q_t(v) log p_t(v), with
/// q_t = softmax(z_t^ref - β onehot(x_t)), over the counted tokens. Token weights do not apply.
public struct SelfDistillation: ForgetObjective {
    /// The name that options and reports use.
    public static let name = "undial"
    /// How far the right token's logit is lowered.
    public var beta: Float = 10

    /// The settings that OpenUnlearning ships.
    public init() {}

    /// Whether the reference's hidden states are needed.
    public var needsReferenceStates: Bool { true }

    /// Loss and gradient of each sequence.
    public func losses(_ input: ForgetInput) -> [SequenceLoss] {
        let factor = 1 / Float(max(1, input.tokenCount))
        return input.sequences.indices.map { index in
            let coefficients = input.nll[index].map { _ in factor }
            return .logits(
                AdjustedLogits(shift: beta, usesReference: true), reference: input.referenceStates[index],
                coefficients: input.sequences[index].atTargetRows(coefficients))
        }
    }
}

/// The cross-entropy to a distribution in which the right token's logit is lowered.
struct AdjustedLogits: RowLoss {
    /// By how much; infinity leaves the right token out.
    let shift: Float
    /// Whether it is the reference's distribution, and not the model's own without a gradient through it.
    let usesReference: Bool

    func apply(_ logits: Matrix, reference: Matrix?, targets: [Int32], coefficients: [Float]) throws -> [Float] {
        guard reference != nil || !usesReference else {
            throw LetheError(.invalidState, "the loss needs the reference's states")
        }
        return Kernels.shiftedTargetCrossEntropy(
            logits: logits, base: usesReference ? reference : nil, targets: targets, shift: shift,
            coefficients: coefficients)
    }
}

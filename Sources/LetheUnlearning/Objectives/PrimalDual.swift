import LetheTensor

/// PDU (Entesari et al. 2025, "Constrained Entropic Unlearning"): γ mean_t (max_v z_t(v) - mean_v z_t(v))², which
/// flattens the logits; ``KeepTerm/pdu`` is the constraint beside it, with its dual variable. Token weights do not
/// apply.
public struct PrimalDual: ForgetObjective {
    /// The name that options and reports use.
    public static let name = "pdu"
    /// Weight of the flattening.
    public var gamma: Float = 1

    /// The settings that OpenUnlearning ships.
    public init() {}

    /// Loss and gradient of each sequence.
    public func losses(_ input: ForgetInput) -> [SequenceLoss] {
        let factor = gamma / Float(max(1, input.tokenCount))
        return input.sequences.indices.map { index in
            let coefficients = input.nll[index].map { _ in factor }
            return .logits(
                LogitSpread(), reference: nil, coefficients: input.sequences[index].atTargetRows(coefficients))
        }
    }
}

/// (max - mean)² of a row of logits.
struct LogitSpread: RowLoss {
    func apply(_ logits: Matrix, reference: Matrix?, targets: [Int32], coefficients: [Float]) -> [Float] {
        Kernels.logitSpread(logits, coefficients: coefficients)
    }
}

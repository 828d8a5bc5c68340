/// CE-U (Yang 2025, "CE-U: Cross Entropy Unlearning"): mean_t -Σ_v q_t(v) log p_t(v), q_t being the model's own
/// distribution without the right token, detached; bounded, and without a reference model. Token weights do not apply.
public struct CrossEntropyUnlearning: ForgetObjective {
    /// The name that options and reports use.
    public static let name = "ceu"
    /// Counted tokens at the beginning of each sequence that are left alone; a sequence keeps at least its last.
    public var skip = 1

    /// The settings that OpenUnlearning ships.
    public init() {}

    /// Loss and gradient of each sequence.
    public func losses(_ input: ForgetInput) -> [SequenceLoss] {
        let skipped = input.nll.map { min(max(0, skip), max(0, $0.count - 1)) }
        let count = zip(input.nll, skipped).reduce(0) { $0 + $1.0.count - $1.1 }
        let factor = 1 / Float(max(1, count))
        return input.sequences.indices.map { index in
            let coefficients = input.nll[index].indices.map { $0 < skipped[index] ? 0 : factor }
            return .logits(
                AdjustedLogits(shift: .infinity, usesReference: false), reference: nil,
                coefficients: input.sequences[index].atTargetRows(coefficients))
        }
    }
}

/// Cross-entropy to labels drawn uniformly from the vocabulary, anew each step: loss = mean_t w_t · -log p(y'_t)
/// (FIT's choice for requests of low importance). The weights are those of the text's own tokens.
public struct RandomLabel: ForgetObjective {
    /// The name that options and reports use.
    public static let name = "random-label"

    /// The plain objective.
    public init() {}

    /// Whether labels are drawn at random.
    public var usesRandomLabels: Bool { true }

    /// Loss and gradient of each sequence.
    public func losses(_ input: ForgetInput) -> [SequenceLoss] {
        let count = Float(max(1, input.tokenCount))
        return zip(input.sequences, input.weights).map { sequence, weights in
            .crossEntropy(coefficients: sequence.atTargetRows(weights.map { $0 / count }))
        }
    }
}

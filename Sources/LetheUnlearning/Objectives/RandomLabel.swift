/// Cross-entropy to labels drawn uniformly from the vocabulary, anew each step: loss = mean_t w_t · -log p(y'_t).
///
/// ``ForgetInput/nll`` is that of the drawn labels here.
public struct RandomLabel: ForgetObjective {
    public static let name = "random-label"

    /// The plain objective.
    public init() {}

    public var usesRandomLabels: Bool { true }

    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        let ascent = GradientAscent().evaluate(input)
        return ForgetLoss(value: -ascent.value, coefficients: ascent.coefficients.map { $0.map { -$0 } })
    }
}

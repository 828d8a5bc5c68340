/// Gradient ascent: loss = -mean_t w_t nll_t, unbounded below (Jang et al. 2023).
public struct GradientAscent: ForgetObjective {
    public static let name = "ga"

    /// The plain objective.
    public init() {}

    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        let count = Float(max(1, input.tokenCount))
        var value = 0.0
        for (nll, weights) in zip(input.nll, input.weights) {
            for (loss, weight) in zip(nll, weights) { value -= Double(weight * loss) }
        }
        return ForgetLoss(value: value / Double(count), coefficients: input.weights.map { $0.map { -$0 / count } })
    }
}

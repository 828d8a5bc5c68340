/// Gradient ascent: loss = -mean_t w_t nll_t, unbounded below (Jang et al. 2023).
public struct GradientAscent: TokenObjective {
    /// The name that options and reports use.
    public static let name = "ga"
    /// The name of the variant that adds up where this one averages, as the published code of hard sampling does (Yang
    /// et al. 2025).
    public static let sumName = "ga-sum"
    /// Whether tokens are added up.
    public var isSum: Bool

    /// The plain objective.
    public init(isSum: Bool = false) { self.isSum = isSum }

    /// Loss and gradient.
    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        let count = isSum ? 1 : Float(max(1, input.tokenCount))
        var value = 0.0
        for (nll, weights) in zip(input.nll, input.weights) {
            for (loss, weight) in zip(nll, weights) { value -= Double(weight * loss) }
        }
        return ForgetLoss(value: value / Double(count), coefficients: input.weights.map { $0.map { -$0 / count } })
    }
}

import Foundation

/// Weighted gradient ascent: ga with w_t = p_t^beta (Wang et al. 2025, "Rethinking LLM Unlearning Objectives").
public struct WeightedGradientAscent: TokenObjective {
    /// The name that options and reports use.
    public static let name = "wga"
    /// Exponent of the token's probability.
    public var beta: Float = 1

    /// The published exponent.
    public init() {}

    /// Loss and gradient.
    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        var weighted = input
        for index in input.nll.indices {
            weighted.weights[index] = zip(input.weights[index], input.nll[index]).map { $0 * exp(-beta * $1) }
        }
        return GradientAscent().evaluate(weighted)
    }
}

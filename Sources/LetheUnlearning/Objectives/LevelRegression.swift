import Foundation

/// Regression of each token's log-odds to the level of never-seen text: mean_t w_t h(max(0, o_t - o*_t)), where
/// o = log(p / (1 - p)), o*_t is what the frozen original gives the corresponding tokens of counterfactual siblings, and
/// h is Huber's function, quadratic up to ``reach`` and linear beyond.
///
/// Where the original is sure of a token its nll hardly has a gradient; the log-odds have one of the same size
/// everywhere, and go down about evenly as the weights move. The loss is 0 when no token is better known than in text
/// that was never seen, so a step too many does no harm, and words that belong to the form are left alone.
public struct LevelRegression: TokenObjective {
    /// The name that options and reports use.
    public static let name = "level"

    /// Log-odds from the level at which a token's pull stops growing.
    static let reach = 4.0
    /// Least 1 - p that the gradient is divided by.
    private static let leastDoubt: Float = 1e-4

    /// The objective.
    public init() {}

    /// Whether levels are needed.
    public var needsLevels: Bool { true }
    /// The loss is 0 at the level.
    public var isBounded: Bool { true }

    /// Loss and gradient.
    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        let count = Double(max(1, input.tokenCount))
        var value = 0.0
        var fall = 0.0
        let coefficients = input.nll.indices.map { index in
            zip(zip(input.nll[index], input.levels[index]), input.weights[index]).map { pair, weight in
                let (nll, level) = pair
                let gap = Double(Self.logOdds(nll) - Self.logOdds(level))
                guard gap > 0, gap.isFinite else { return Float(0) }
                let pull = min(gap, Self.reach)
                value += Double(weight) * (gap - pull / 2) * pull / count
                fall += Double(weight) * gap * pull / count
                return -weight * Float(pull / count) / Self.doubt(nll)
            }
        }
        return ForgetLoss(value: value, coefficients: coefficients, fall: fall)
    }

    /// 1 - p for p = exp(-nll), not below ``leastDoubt``: the gradient of the log-odds is that of -nll over it.
    static func doubt(_ nll: Float) -> Float { max(-expm1(-nll), leastDoubt) }

    /// log(p / (1 - p)) for p = exp(-nll).
    private static func logOdds(_ nll: Float) -> Float { -nll - log(doubt(nll)) }
}

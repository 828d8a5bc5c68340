import Foundation

/// Regression of each token's log-odds to the level of never-seen text: mean_t w_t h(o_t - o*_t), where
/// o = log(p / (1 - p)), o*_t is what the frozen original gives the corresponding tokens of counterfactual siblings, and
/// h is Huber's function, quadratic up to ``reach`` and linear beyond.
///
/// Where the original is sure of a token its nll hardly has a gradient; the log-odds have one of the same size
/// everywhere, and go down about evenly as the weights move. What pushes one token down takes others of its text along:
/// those that are less well known than their level are brought back with ``pullBack`` of the weight, so that an item ends
/// where a text would be that was never seen, and not beyond it, where it could be told from one. Of a sequence that is
/// as a whole no better known than its level, nothing is pushed further.
public struct LevelRegression: TokenObjective {
    /// The name that options and reports use.
    public static let name = "level"

    /// Log-odds from the level at which a token's pull stops growing.
    static let reach = 4.0
    /// Weight of a token that is less well known than its level, beside 1 for one that is better known.
    static let pullBack = 0.25
    /// Least 1 - p that the gradient is divided by.
    static let leastDoubt: Float = 1e-4

    /// The objective.
    public init() {}

    /// Whether levels are needed.
    public var needsLevels: Bool { true }
    /// The loss is 0 at the level.
    public var isBounded: Bool { true }
    /// What is beyond the level is brought back.
    public var holdsAtTarget: Bool { true }

    /// Loss and gradient; what the loss can fall by is that of the tokens that are pushed down.
    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        let count = Double(max(1, input.tokenCount))
        var value = 0.0
        var fall = 0.0
        let coefficients = input.nll.indices.map { index in
            let isBelow = Self.sum(input.nll[index]) < Self.sum(input.levels[index])
            return zip(zip(input.nll[index], input.levels[index]), input.weights[index]).map { pair, weight in
                let (nll, level) = pair
                let gap = Double(Self.logOdds(nll) - Self.logOdds(level))
                guard gap.isFinite, gap < 0 || isBelow else { return Float(0) }
                let share = Double(weight) * (gap < 0 ? Self.pullBack : 1) / count
                let pull = max(-Self.reach, min(gap, Self.reach))
                value += share * (gap - pull / 2) * pull
                if gap > 0 { fall += share * gap * pull }
                return -Float(share * pull) / max(-expm1(-nll), Self.leastDoubt)
            }
        }
        return ForgetLoss(value: value, coefficients: coefficients, fall: fall)
    }

    private static func sum(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } }

    /// log(p / (1 - p)) for p = exp(-nll).
    private static func logOdds(_ nll: Float) -> Float { -nll - log(max(-expm1(-nll), leastDoubt)) }
}

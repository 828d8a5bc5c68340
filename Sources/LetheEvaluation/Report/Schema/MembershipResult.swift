/// How well one score tells the set from the retain texts.
public struct MembershipResult: Codable, Sendable, Equatable {
    /// The score: `loss`, `zlib`, `min_k`, `min_k_plus_plus` or `reference`.
    public var score: String
    /// The probability that a text of the set scores higher, less like a member, than a retain text; 0.5 is no
    /// difference.
    public var auc: Double
    /// The lower end of its 95 % confidence interval.
    public var lower: Double
    /// The upper end of its 95 % confidence interval.
    public var upper: Double

    /// Creates a result.
    public init(score: String, area: AreaUnderCurve) {
        self.score = score
        auc = area.value
        lower = area.lowerBound
        upper = area.upperBound
    }
}

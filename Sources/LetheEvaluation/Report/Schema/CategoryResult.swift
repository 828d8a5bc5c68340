/// One category at a checkpoint, against the exact reference.
public struct CategoryResult: Codable, Sendable, Equatable {
    /// `personal`, `copyright`, `harmful` or `other`.
    public var category: String
    /// On the category's texts deleted so far; nil when none is.
    public var forget: SetMetrics?
    /// On the category's retain texts; nil when there are none.
    public var retain: SetMetrics?
    /// The Forget Degree; nil without deleted texts.
    public var forgetDegree: Double?
    /// The Retain Utility; nil without retain texts.
    public var retainUtility: Double?

    /// Creates a result; the degrees follow from the metrics and the retain model's aggregates on the same texts.
    public init(category: String, forget: SetMetrics?, retain: SetMetrics?, reference: SidePair) {
        self.category = category
        self.forget = forget
        self.retain = retain
        forgetDegree = forget.map { DegreeScore.degree(measured: $0.aggregate, reference: reference.forget) }
        retainUtility = retain.map { DegreeScore.degree(measured: $0.aggregate, reference: reference.retain) }
    }

    enum CodingKeys: String, CodingKey {
        case category, forget, retain
        case forgetDegree = "forget_degree"
        case retainUtility = "retain_utility"
    }
}

/// A model in the middle of the stream.
public struct CheckpointResult: Codable, Sendable, Equatable {
    /// How many texts are deleted.
    public var deleted: Int
    /// The share of the stream that is done.
    public var share: Double
    /// On the texts deleted so far.
    public var forget: SetMetrics
    /// On the retain texts.
    public var retain: SetMetrics
    /// On the forget texts that are not yet deleted; nil when there are none.
    public var remaining: SetMetrics?
    /// The reference aggregates.
    public var reference: ReferenceValues
    /// Forget Degree.
    public var forgetDegree: ReferenceScores
    /// Retain Utility.
    public var retainUtility: ReferenceScores
    /// The categories apart.
    public var categories: [CategoryResult]
    /// The retain texts that the method was given to keep, and those that it never saw; nil where it was given none.
    public var retainGroups: [RetainGroup]?

    /// Creates a checkpoint; the degrees follow from the metrics and the references.
    /// - Parameters:
    ///   - deleted: how many texts are deleted.
    ///   - total: how many there are in the stream.
    ///   - forget: metrics on the texts deleted so far.
    ///   - retain: metrics on the retain texts.
    ///   - remaining: metrics on the forget texts not yet deleted.
    ///   - reference: the reference aggregates.
    ///   - categories: the categories apart.
    ///   - retainGroups: the retain texts by whether the method was given them.
    public init(
        deleted: Int, total: Int, forget: SetMetrics, retain: SetMetrics, remaining: SetMetrics? = nil,
        reference: ReferenceValues, categories: [CategoryResult] = [],
        retainGroups: [RetainGroup]? = nil
    ) {
        self.deleted = deleted
        share = total > 0 ? Double(deleted) / Double(total) : 0
        self.forget = forget
        self.retain = retain
        self.remaining = remaining
        self.reference = reference
        forgetDegree = ReferenceScores(forget.aggregate, reference, \.forget)
        retainUtility = ReferenceScores(retain.aggregate, reference, \.retain)
        self.categories = categories
        self.retainGroups = retainGroups
    }

    enum CodingKeys: String, CodingKey {
        case deleted, share, forget, retain, remaining, reference
        case forgetDegree = "forget_degree"
        case retainUtility = "retain_utility"
        case categories
        case retainGroups = "retain_groups"
    }
}

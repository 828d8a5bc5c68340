/// The retain texts on one side of the line between what a method was given to keep and what it never saw.
public struct RetainGroup: Codable, Sendable, Equatable {
    /// `given` or `unseen`.
    public var group: String
    /// On the group's texts.
    public var retain: SetMetrics
    /// The Retain Utility against the retain model on the same texts.
    public var retainUtility: Double

    /// Creates a group; the utility follows from the metrics and the retain model's aggregate on the same texts.
    public init(group: String, retain: SetMetrics, reference: Double) {
        self.group = group
        self.retain = retain
        retainUtility = DegreeScore.degree(measured: retain.aggregate, reference: reference)
    }

    enum CodingKeys: String, CodingKey {
        case group, retain
        case retainUtility = "retain_utility"
    }
}

/// Membership inference on one model, kept against deleted texts.
public struct ModelMembership: Codable, Sendable, Equatable {
    /// Which: `unlearned`, `original` or `retain`.
    public var model: String
    /// The scores.
    public var scores: [MembershipResult]

    /// Creates an entry.
    public init(model: String, scores: [MembershipResult]) {
        self.model = model
        self.scores = scores
    }
}

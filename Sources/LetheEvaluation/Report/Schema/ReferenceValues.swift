/// The reference aggregates at a checkpoint.
public struct ReferenceValues: Codable, Sendable, Equatable {
    /// The retain model on the very texts that the unlearned model was measured on.
    public var exact: SidePair
    /// As published: linear between the original and the retain model's aggregates on the whole sets.
    public var interpolated: SidePair
    /// A model retrained without the texts deleted so far; nil when there is none.
    public var retrained: SidePair?

    /// Creates reference values.
    public init(exact: SidePair, interpolated: SidePair, retrained: SidePair? = nil) {
        self.exact = exact
        self.interpolated = interpolated
        self.retrained = retrained
    }
}

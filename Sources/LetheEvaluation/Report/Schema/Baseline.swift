/// A model that was measured once, on the whole sets.
public struct Baseline: Codable, Sendable, Equatable {
    /// Which: `original` or `retain`.
    public var name: String
    /// On the forget texts.
    public var forget: SetMetrics
    /// On the retain texts.
    public var retain: SetMetrics

    /// Creates a baseline.
    public init(name: String, forget: SetMetrics, retain: SetMetrics) {
        self.name = name
        self.forget = forget
        self.retain = retain
    }
}

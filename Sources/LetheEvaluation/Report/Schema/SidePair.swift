/// One value for each side.
public struct SidePair: Codable, Sendable, Equatable {
    /// The forget side's.
    public var forget: Double
    /// The retain side's.
    public var retain: Double

    /// Creates a pair.
    public init(forget: Double, retain: Double) {
        self.forget = forget
        self.retain = retain
    }
}

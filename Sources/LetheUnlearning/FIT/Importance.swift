/// Which objective a request is trained with, by how strongly its text pulls at the input embeddings (FIT,
/// importance).
public struct ImportanceThresholds: Sendable, Equatable {
    /// Below it: random labels.
    public var low: Double
    /// From it on: NPO with KL on keep texts; between, NPO alone.
    public var high: Double

    /// Thresholds, low at most high.
    public init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }

    /// The published constants, chosen on models of 7B parameters.
    public static let published = ImportanceThresholds(low: 6, high: 12)

    /// The published choice for a score.
    public func choice(_ score: Double) -> (objective: String, keepTerm: KeepTerm) {
        if score >= high { return ("npo", .klPublished) }
        if score >= low { return ("npo", .none) }
        return ("random-label", .none)
    }
}

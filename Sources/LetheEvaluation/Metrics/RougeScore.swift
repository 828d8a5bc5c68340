/// Precision, recall and F-measure of a prediction against a target, each in [0, 1].
public struct RougeScore: Sendable, Equatable {
    /// Matches divided by the units of the prediction.
    public let precision: Double
    /// Matches divided by the units of the target.
    public let recall: Double

    /// Creates a score.
    public init(precision: Double, recall: Double) {
        self.precision = precision
        self.recall = recall
    }

    /// The harmonic mean of precision and recall; 0 when both are 0.
    public var fMeasure: Double {
        precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
    }

    /// No match.
    public static let zero = RougeScore(precision: 0, recall: 0)
}

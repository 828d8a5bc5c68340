import Foundation

/// How much of a set of texts a model still has: the three parts of the PCH score and their mean (FIT, Xu et al.,
/// arXiv 2601.21682).
public struct AggregateScore: Sendable, Equatable {
    /// P: the mean length-normalised probability of the answers, in [0, 1].
    public let probability: Double
    /// R: the mean ROUGE-L F-measure of the greedy answers, in [0, 1].
    public let rougeL: Double
    /// A: the mean share of the texts' tokens predicted right, in [0, 1].
    public let accuracy: Double

    /// Creates a score from its parts.
    public init(probability: Double, rougeL: Double, accuracy: Double) {
        self.probability = probability
        self.rougeL = rougeL
        self.accuracy = accuracy
    }

    /// 100 times the geometric mean of the three parts, in [0, 100]; 0 as soon as one part is 0.
    public var value: Double { 100 * cbrt(probability * rougeL * accuracy) }
}

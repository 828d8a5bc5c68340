import Foundation
import LetheCore

/// The truth ratio of TOFU (Maini et al. 2024): how likely wrong answers are beside the right one.
public enum TruthRatio {
    /// The geometric mean of the wrong answers' length-normalised probabilities, divided by the right answer's.
    ///
    /// Below 1 the model prefers the truth.
    /// - Parameters:
    ///   - correct: log-probabilities of the right answer's tokens (or of its paraphrase's).
    ///   - wrong: the same for each wrong answer.
    /// - Returns: nil when there is no wrong answer or an answer has no tokens.
    public static func ratio(correct: [Double], wrong: [[Double]]) -> Double? {
        let wrongLosses = wrong.compactMap(TokenMetrics.meanNLL)
        guard let probability = TokenMetrics.answerProbability(correct), let wrongLoss = wrongLosses.mean,
            wrongLosses.count == wrong.count
        else { return nil }
        return exp(-wrongLoss) / (probability + 1e-10)
    }

    /// The forget side's aggregate: the mean of `min(r, 1/r)`, 1 when the model has no preference left. Nil for none.
    public static func forgetAggregate(_ ratios: [Double]) -> Double? {
        ratios.map { $0 > 0 ? min($0, 1 / $0) : 0 }.mean
    }

    /// The retain side's aggregate: the mean of `max(0, 1 − r)`, 1 when the model is sure of the truth. Nil for none.
    public static func retainAggregate(_ ratios: [Double]) -> Double? {
        ratios.map { max(0, 1 - $0) }.mean
    }
}

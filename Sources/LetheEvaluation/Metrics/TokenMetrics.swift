import Foundation
import LetheCore

/// Metrics of one sequence from what a language model said about its tokens.
///
/// Log-probabilities are natural logarithms of the probability of the token that is really there, given everything
/// before it (teacher forcing). Each function gives nil for a sequence without tokens, for which the metric is not
/// defined.
public enum TokenMetrics {
    /// The mean negative log-probability of a token, in nats.
    public static func meanNLL(_ logProbabilities: [Double]) -> Double? {
        logProbabilities.mean.map { -$0 }
    }

    /// The length-normalised probability of an answer, `exp(mean log p)`, in [0, 1].
    public static func answerProbability(_ logProbabilities: [Double]) -> Double? {
        meanNLL(logProbabilities).map { exp(-$0) }
    }

    /// The share of positions at which the most likely token is the token that is there.
    /// - Returns: nil when the counts differ or there is no position.
    public static func accuracy(predicted: [Int32], actual: [Int32]) -> Double? {
        guard predicted.count == actual.count, !actual.isEmpty else { return nil }
        return Double(zip(predicted, actual).count { $0 == $1 }) / Double(actual.count)
    }

    /// Exact memorisation (Tirumala et al. 2022): ``accuracy(predicted:actual:)`` over the tokens of an answer.
    /// - Returns: nil when the counts differ or there is no position.
    public static func exactMemorisation(predicted: [Int32], actual: [Int32]) -> Double? {
        accuracy(predicted: predicted, actual: actual)
    }

    /// Extraction strength (Carlini et al. 2021): 1 − k/n for the smallest k such that every token from position k on
    /// is predicted right.
    ///
    /// 0 when the last token is wrong. (OpenUnlearning ends its search at n − 1 and so never reports less than 1/n.)
    /// - Returns: nil when the counts differ or there is no position.
    public static func extractionStrength(predicted: [Int32], actual: [Int32]) -> Double? {
        guard predicted.count == actual.count, !actual.isEmpty else { return nil }
        let suffix = zip(predicted, actual).reversed().prefix { $0 == $1 }.count
        return Double(suffix) / Double(actual.count)
    }

    /// The perplexity of a set of texts, `exp` of the mean negative log-probability over all their tokens together.
    /// - Returns: infinity when a token has probability 0; nil without any token.
    public static func perplexity(_ texts: [[Double]]) -> Double? {
        meanNLL(texts.flatMap(\.self)).map(exp)
    }
}

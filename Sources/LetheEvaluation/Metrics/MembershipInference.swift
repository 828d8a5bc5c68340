/// Scores that guess whether a model was trained on a text. For all of them, lower means more like a member.
///
/// Sources: loss (Yeom et al. 2018), zlib and reference (Carlini et al. 2021), Min-K% (Shi et al. 2024), Min-K%++
/// (Zhang et al. 2025). Scores of two sets are compared with ``AreaUnderCurve``.
public enum MembershipInference {
    /// The share of tokens that Min-K% and Min-K%++ look at, as OpenUnlearning sets it.
    public static let defaultShare = 0.4

    /// The mean negative log-probability of a token; nil without tokens.
    public static func loss(_ logProbabilities: [Double]) -> Double? {
        TokenMetrics.meanNLL(logProbabilities)
    }

    /// The loss divided by the compressed size of the text; nil without tokens or without a size.
    /// - Parameters:
    ///   - logProbabilities: natural log-probability of each token.
    ///   - compressedBytes: ``ZlibLength/compressedBytes(_:)`` of the text.
    public static func zlib(_ logProbabilities: [Double], compressedBytes: Int) -> Double? {
        compressedBytes > 0 ? loss(logProbabilities).map { $0 / Double(compressedBytes) } : nil
    }

    /// The loss less that of a reference model on the same tokens; nil without tokens or when the counts differ.
    public static func reference(_ logProbabilities: [Double], reference: [Double]) -> Double? {
        guard logProbabilities.count == reference.count, let own = loss(logProbabilities),
            let other = loss(reference)
        else { return nil }
        return own - other
    }

    /// Min-K%: minus the mean of the lowest log-probabilities.
    /// - Parameters:
    ///   - logProbabilities: natural log-probability of each token.
    ///   - share: which share of the tokens is averaged, rounded down, at least one token.
    /// - Returns: nil without tokens, or with a share that is not a number.
    public static func minK(_ logProbabilities: [Double], share: Double = defaultShare) -> Double? {
        minusMeanOfLowest(logProbabilities, share: share)
    }

    /// Min-K%++: the same over each log-probability's distance from what the model expected at that position.
    /// - Parameters:
    ///   - logProbabilities: natural log-probability of each token.
    ///   - means: at each position the mean of log p under the model's own distribution, Σ p log p.
    ///   - variances: its variance there, Σ p (log p)² − mean²; taken as at least 10⁻⁶.
    ///   - share: which share of the tokens is averaged, rounded down, at least one token.
    /// - Returns: nil without tokens, when the counts differ, or with a share that is not a number.
    public static func minKPlusPlus(
        _ logProbabilities: [Double], means: [Double], variances: [Double], share: Double = defaultShare
    ) -> Double? {
        guard means.count == logProbabilities.count, variances.count == logProbabilities.count else { return nil }
        let distances = logProbabilities.indices.map {
            (logProbabilities[$0] - means[$0]) / max(variances[$0], 1e-6).squareRoot()
        }
        return minusMeanOfLowest(distances, share: share)
    }

    private static func minusMeanOfLowest(_ values: [Double], share: Double) -> Double? {
        guard !values.isEmpty, !share.isNaN else { return nil }
        let count = max(1, Int(min(max(share, 0), 1) * Double(values.count)))
        return -values.sorted().prefix(count).reduce(0, +) / Double(count)
    }
}

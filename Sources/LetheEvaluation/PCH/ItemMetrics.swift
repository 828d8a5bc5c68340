import Foundation

/// What was measured of one model on one text and its questions, in numbers only.
struct ItemMetrics: Codable, Equatable {
    var probabilities: [Double]
    var rougeL: [Double]
    var rougeLPublished: [Double]
    var extractionStrength: [Double]
    var exactMemorisation: [Double]
    var truthRatios: [Double]
    var accuracy: Double
    var nll: Double
    var tokens: Int

    /// The numbers of a score. A model whose output is no number gives the answer no probability.
    init(_ score: SetEvaluator.ItemScore) {
        probabilities = score.probabilities.map { $0.isFinite ? $0 : 0 }
        rougeL = score.rougeL
        rougeLPublished = score.rougeLPublished
        extractionStrength = score.extractionStrength
        exactMemorisation = score.exactMemorisation
        truthRatios = score.truthRatios.filter(\.isFinite)
        accuracy = score.accuracy
        nll = score.nll.isNaN ? .infinity : score.nll
        tokens = score.tokens
    }
}

extension SetMetrics {
    /// Which side a set belongs to; the truth ratio is read differently on each.
    enum Side {
        case forget, retain
    }

    /// The metrics of a set from those of its texts; nil for an empty set.
    init?(_ items: [ItemMetrics], side: Side) {
        guard !items.isEmpty else { return nil }
        func mean(_ values: [Double]) -> Double? {
            values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
        }
        let ratios = items.flatMap(\.truthRatios)
        let tokens = items.reduce(0) { $0 + $1.tokens }
        let total = items.reduce(0) { $0 + ($1.tokens > 0 ? $1.nll * Double($1.tokens) : 0) }
        self.init(
            texts: items.count, pairs: items.reduce(0) { $0 + $1.probabilities.count },
            probability: mean(items.flatMap(\.probabilities)) ?? 0, rougeL: mean(items.flatMap(\.rougeL)) ?? 0,
            rougeLPublished: mean(items.flatMap(\.rougeLPublished)), accuracy: mean(items.map(\.accuracy)) ?? 0,
            extractionStrength: mean(items.flatMap(\.extractionStrength)),
            exactMemorisation: mean(items.flatMap(\.exactMemorisation)), meanNLL: mean(items.map(\.nll)) ?? 0,
            perplexity: exp(total / Double(max(1, tokens))),
            truthRatio: side == .forget
                ? TruthRatio.forgetAggregate(ratios) : TruthRatio.retainAggregate(ratios))
    }
}

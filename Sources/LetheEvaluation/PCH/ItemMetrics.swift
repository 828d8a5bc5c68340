import Foundation
import LetheCore

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
        let ratios = items.flatMap(\.truthRatios)
        let tokens = items.reduce(0) { $0 + $1.tokens }
        let total = items.reduce(0) { $0 + ($1.tokens > 0 ? $1.nll * Double($1.tokens) : 0) }
        self.init(
            texts: items.count, pairs: items.reduce(0) { $0 + $1.probabilities.count },
            probability: items.flatMap(\.probabilities).mean ?? 0, rougeL: items.flatMap(\.rougeL).mean ?? 0,
            rougeLPublished: items.flatMap(\.rougeLPublished).mean, accuracy: items.map(\.accuracy).mean ?? 0,
            extractionStrength: items.flatMap(\.extractionStrength).mean,
            exactMemorisation: items.flatMap(\.exactMemorisation).mean, meanNLL: items.map(\.nll).mean ?? 0,
            perplexity: exp(total / Double(max(1, tokens))),
            truthRatio: side == .forget
                ? TruthRatio.forgetAggregate(ratios) : TruthRatio.retainAggregate(ratios))
    }
}

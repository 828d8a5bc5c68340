import Foundation

/// How many tokens of a sequence share a weight (Yang et al. 2025, section 5, granularity).
public enum WeightGranularity: Sendable, Equatable {
    /// All: the weight of p = exp(-mean_t nll_t).
    case instance
    /// Tokens sorted by weight, largest first, in groups of `size`, the last of which may be shorter; each token gets
    /// its group's mean.
    case group(size: Int)

    /// The size that ``TokenReweighting/named(_:)`` takes.
    public static let defaultGroupSize = 5

    var name: String {
        switch self {
        case .instance: "instance"
        case .group: "group"
        }
    }

    /// The weights of a sequence's tokens, `weight` being that of a probability.
    func weights(_ nll: [Float], _ weight: (Float) -> Float) -> [Float] {
        guard !nll.isEmpty else { return [] }
        switch self {
        case .instance:
            let mean = nll.reduce(0) { $0 + Double($1) } / Double(nll.count)
            let shared = weight(Float(exp(-mean)))
            return nll.map { _ in shared }
        case .group(let size):
            let single = nll.map { weight(exp(-$0)) }
            // Equal weights stay in the order of the text.
            let order = single.indices.sorted { (-single[$0], $0) < (-single[$1], $1) }
            var weights = single
            for start in stride(from: 0, to: order.count, by: max(1, size)) {
                let group = order[start..<min(start + max(1, size), order.count)]
                let mean = group.reduce(0) { $0 + Double(single[$1]) } / Double(group.count)
                for token in group { weights[token] = Float(mean) }
            }
            return weights
        }
    }
}

import Foundation
import LetheTensor

/// The logits of one next token. Used while their matrix lives.
struct LogitRow {
    private let owner: Matrix
    private let logits: UnsafePointer<Float>
    private let count: Int
    private let logSumExp: Float

    init(_ logits: Matrix, _ row: Int, logSumExp: Float) {
        precondition(row >= 0 && row < logits.rows, "row out of range")
        owner = logits
        self.logits = UnsafePointer(logits.pointer + row * logits.stride)
        count = logits.columns
        self.logSumExp = logSumExp
    }

    /// Natural log-probability of a token of the vocabulary, rounded as the engine's own statistics are.
    func logProbability(_ token: Int32) -> Float {
        precondition(token >= 0 && Int(token) < count, "token out of range")
        return -(logSumExp - logits[Int(token)])
    }

    /// The `number` most likely tokens, most likely first, the first of equals first.
    func mostLikely(_ number: Int) -> [Int32] {
        var best: [Int32] = []
        guard number > 0 else { return best }
        for token in 0..<count {
            let logit = logits[token]
            if best.count == number, let last = best.last, logit <= logits[Int(last)] { continue }
            let place = best.firstIndex { logit > logits[Int($0)] } ?? best.count
            best.insert(Int32(token), at: place)
            if best.count > number { best.removeLast() }
        }
        return best
    }

    /// Draws a token from the distribution at a temperature, cut to its nucleus (Holtzman et al. 2020): the fewest
    /// most likely tokens whose probabilities reach `topP`.
    /// - Parameter uniform: in [0, 1).
    func sample(temperature: Double, topP: Double, uniform: Double) -> Int32 {
        var top = -Float.infinity
        for token in 0..<count { top = max(top, logits[token]) }
        var weights = [Double](repeating: 0, count: count)
        var total = 0.0
        for token in 0..<count {
            weights[token] = exp(Double(logits[token] - top) / temperature)
            total += weights[token]
        }
        guard topP < 1 else { return pick(0..<count, weights, target: uniform * total) }
        let order = (0..<count).sorted { weights[$0] > weights[$1] }
        var kept = 0
        var mass = 0.0
        while kept < count, kept == 0 || mass < topP * total {
            mass += weights[order[kept]]
            kept += 1
        }
        return pick(order.prefix(kept), weights, target: uniform * mass)
    }

    private func pick(_ tokens: some BidirectionalCollection<Int>, _ weights: [Double], target: Double) -> Int32 {
        var sum = 0.0
        for token in tokens {
            sum += weights[token]
            if sum > target { return Int32(token) }
        }
        // Rounding left the target at the very end: the last token that can be drawn at all.
        return Int32(tokens.last { weights[$0] > 0 } ?? 0)
    }
}

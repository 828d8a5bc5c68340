import Foundation
import LetheModel
import LetheTensor

/// For each row of a sequence the tokens that its prediction should spread over, with their probabilities.
///
/// Improbable tokens are left out, so that a row takes as many entries as there are likely tokens and not as many as
/// the vocabulary has.
public struct TokenDistributions: Sendable, Equatable {
    /// Tokens and probabilities of each row, which sum to 1 in a row.
    public var rows: [[(token: Int32, probability: Float)]]

    /// Given distributions.
    public init(rows: [[(token: Int32, probability: Float)]]) { self.rows = rows }

    /// A token below this probability is left out, or below a tenth of the likeliest one's where that is less.
    static let leastProbability: Float = 1e-3

    /// The mean of what a model predicts from several sets of final states, each [rows, hidden].
    /// - Throws: `limit_exceeded`.
    init(meanOf states: [Matrix], model: LanguageModel) throws {
        rows = []
        guard let first = states.first else { return }
        let block = 256
        for start in stride(from: 0, to: first.rows, by: block) {
            let count = min(block, first.rows - start)
            let sum = try Matrix(zeros: count, columns: model.configuration.vocabularySize)
            for state in states {
                let head = try OutputHead(model.decoder, hidden: state.rowRange(start, count))
                let probabilities = try head.logits(0..<count)
                Self.softmax(probabilities, times: 1 / Float(states.count))
                Kernels.add(probabilities, to: sum)
            }
            for row in 0..<count {
                rows.append(
                    Self.likely(UnsafeBufferPointer(start: sum.pointer + row * sum.stride, count: sum.columns)))
            }
        }
    }

    /// x := factor · softmax(x), row by row.
    private static func softmax(_ x: Matrix, times factor: Float) {
        let targets = [Int32](repeating: 0, count: x.rows)
        let statistics = Kernels.logitStatistics(x, targets: targets)
        // The cross-entropy's gradient is the softmax less the target.
        Kernels.crossEntropyBackward(
            x, logSumExp: statistics.logSumExp, targets: targets, coefficients: targets.map { _ in factor })
        for row in 0..<x.rows { x.pointer[row * x.stride] += factor }
    }

    private static func likely(_ row: UnsafeBufferPointer<Float>) -> [(token: Int32, probability: Float)] {
        let least = min(leastProbability, (row.max() ?? 0) / 10)
        var entries: [(token: Int32, probability: Float)] = []
        var total: Float = 0
        for (token, probability) in row.enumerated() where probability >= least && probability > 0 {
            entries.append((Int32(token), probability))
            total += probability
        }
        return entries.map { ($0.token, $0.probability / total) }
    }

    /// Equal rows.
    public static func == (a: TokenDistributions, b: TokenDistributions) -> Bool {
        a.rows.count == b.rows.count && zip(a.rows, b.rows).allSatisfy { $0.elementsEqual($1, by: ==) }
    }

    /// coefficient · KL(q ‖ p) + targetCoefficient · -log p(target) of some rows, q being these distributions.
    /// - Parameters:
    ///   - logits: of the rows `range`, [range, vocabulary]; becomes the gradient.
    ///   - logSumExp: of each.
    func loss(
        _ logits: Matrix, logSumExp: [Float], range: Range<Int>, targets: [Int32], coefficients: [Float],
        targetCoefficients: [Float]
    ) -> [Float] {
        let values = range.enumerated().map { place, row in
            let z = logits.pointer + place * logits.stride
            let divergence = entries(row).reduce(Float(0)) { sum, entry in
                sum + entry.probability * (log(entry.probability) - z[Int(entry.token)] + logSumExp[place])
            }
            return coefficients[place] * divergence
                + targetCoefficients[place] * (logSumExp[place] - z[Int(targets[place])])
        }
        // The cross-entropy's gradient is sum · (p - onehot(target)).
        let sums = zip(coefficients, targetCoefficients).map { $0 + $1 }
        Kernels.crossEntropyBackward(logits, logSumExp: logSumExp, targets: targets, coefficients: sums)
        for (place, row) in range.enumerated() where coefficients[place] != 0 {
            let gradient = logits.pointer + place * logits.stride
            gradient[Int(targets[place])] += coefficients[place]
            for entry in entries(row) { gradient[Int(entry.token)] -= coefficients[place] * entry.probability }
        }
        return values
    }

    private func entries(_ row: Int) -> [(token: Int32, probability: Float)] { row < rows.count ? rows[row] : [] }
}

import LetheCore
import LetheModel
import LetheTensor

/// What one sequence of a batch adds to the loss, as the gradient at its logits or at a layer's output. Losses of logits
/// have coefficients for all rows of the sequence, and only those of rows whose prediction counts matter.
public enum SequenceLoss {
    /// Σ coefficient[r] · -log p(label[r]), over the sequence's rows; rows beyond the coefficients count 0.
    case crossEntropy(coefficients: [Float])
    /// Σ coefficient[r] · divergence of row r from the reference model, whose final hidden states are given,
    /// [rows, hidden].
    case divergence(Kernels.Divergence, reference: Matrix, coefficients: [Float])
    /// Σ coefficient[r] · KL(q_r ‖ p_r) + targetCoefficient[r] · -log p(label[r]), q being given distributions.
    case distributions(TokenDistributions, coefficients: [Float], targetCoefficients: [Float])
    /// Σ coefficient[r] · a loss of row r's logits; `reference` as for a divergence, or nil.
    case logits(any RowLoss, reference: Matrix?, coefficients: [Float])
    /// Σ coefficient[r] · ‖h_r - target_r‖², h being the output of a decoder layer; the target is [rows, hidden], or
    /// [1, hidden] for every row.
    case activation(layer: Int, target: Matrix, coefficients: [Float])
    /// Nothing.
    case none

    /// Whether it is nothing.
    var isNone: Bool { if case .none = self { true } else { false } }
}

/// A row's numbers before the update, for the objectives: one entry a sequence, one value a counted token.
public struct BatchStatistics: Sendable, Equatable {
    /// -log p of each counted token.
    public var nll: [[Float]]
    /// The most likely token in the place of each counted token.
    public var predicted: [[Int32]]
    /// The counted tokens.
    public var actual: [[Int32]]
    /// What each sequence's ``SequenceLoss`` adds up to; empty where none was given.
    public var losses: [Double] = []

    /// Sorts the counted rows of a batch by sequence.
    init(_ rows: Kernels.LogitStatistics, _ counted: CountedRows) {
        nll = (0..<counted.sequenceCount).map { Array(rows.nll[counted.rows($0)]) }
        predicted = (0..<counted.sequenceCount).map { Array(rows.argmax[counted.rows($0)]) }
        actual = (0..<counted.sequenceCount).map { Array(counted.targets[counted.rows($0)]) }
    }

    /// Mean nll over the counted tokens of some sequences.
    public func meanNLL(of sequences: Range<Int>) -> Double {
        let count = sequences.reduce(0) { $0 + nll[$1].count }
        return sequences.reduce(0) { $0 + meanNLL($1) * Double(nll[$1].count) } / Double(max(1, count))
    }

    /// Mean nll of a sequence.
    public func meanNLL(_ sequence: Int) -> Double {
        nll[sequence].mean ?? 0
    }
}

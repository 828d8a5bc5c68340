import LetheTensor

/// A loss of single rows of logits, for objectives that the right token's probability alone does not give.
public protocol RowLoss: Sendable {
    /// The loss of each row of logits[rows, V], before its coefficient; logits := coefficient · its gradient.
    /// - Parameters:
    ///   - reference: the reference model's logits for the same rows, which may be overwritten; nil where the
    ///     sequence's loss gives no reference states.
    ///   - targets: the right token of each row; any token where the coefficient is 0.
    /// - Throws: `invalid_state` without the reference that is needed.
    func apply(_ logits: Matrix, reference: Matrix?, targets: [Int32], coefficients: [Float]) throws -> [Float]
}

/// The loss of a step's forget side, and its gradient with respect to each token's nll.
public struct ForgetLoss: Sendable, Equatable {
    /// In nats, before any weight.
    public var value: Double
    /// ∂loss/∂nll, one value a counted token.
    public var coefficients: [[Float]]
    /// What the loss would fall by along its gradient if every token went to where its own loss is 0; for losses that
    /// can reach 0. Twice ``value`` for a quadratic loss, the same for a linear one.
    public var fall = 0.0
}

/// An objective that sees the model only through the nll of the counted tokens.
public protocol TokenObjective: ForgetObjective {
    /// Loss and gradient.
    func evaluate(_ input: ForgetInput) -> ForgetLoss
}

extension TokenObjective {
    /// Loss and gradient of each sequence.
    public func losses(_ input: ForgetInput) -> [SequenceLoss] {
        zip(input.sequences, evaluate(input).coefficients).map { $0.crossEntropy($1) }
    }
}

extension TrainingSequence {
    /// Values of the counted tokens at the rows that predict them; 0 at the rows before.
    func atTargetRows(_ values: [Float]) -> [Float] { [Float](repeating: 0, count: firstTarget - 1) + values }

    /// The loss whose gradient with respect to the nll of the counted tokens is given.
    func crossEntropy(_ coefficients: [Float]) -> SequenceLoss {
        .crossEntropy(coefficients: atTargetRows(coefficients))
    }
}

/// The multiplier λ of a constraint "loss at most ε" (Entesari et al. 2025): after each step
/// λ := max(0, λ + step · (loss - ε)).
public struct DualVariable: Sendable, Equatable {
    /// Share by which the keep loss may exceed the reference's, when ε comes from that: the paper's choice of ε is
    /// (1 + α) times the reference's loss.
    public static let slack = 0.1
    /// λ.
    public private(set) var value: Double
    /// How fast λ follows.
    public var step: Double
    /// ε, in nats.
    public var epsilon: Double

    /// A multiplier that begins at `value`.
    public init(value: Double, step: Double = 1, epsilon: Double) {
        self.value = value
        self.step = step
        self.epsilon = epsilon
    }

    /// Follows the loss of a step.
    public mutating func update(loss: Double) { value = max(0, value + step * (loss - epsilon)) }
}

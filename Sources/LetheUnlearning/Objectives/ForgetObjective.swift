import LetheCore

/// What an objective sees of the forget side of one step: one entry a sequence, one value a counted token.
public struct ForgetInput: Sendable {
    /// -log p under the model.
    public var nll: [[Float]]
    /// -log p under the frozen reference; empty where the objective does not ask for it.
    public var referenceNLL: [[Float]]
    /// Token weights; no gradient flows through them.
    public var weights: [[Float]]

    /// Counted tokens of all sequences.
    public var tokenCount: Int { nll.reduce(0) { $0 + $1.count } }
}

/// The loss of a step's forget side, and its gradient with respect to each token's nll.
public struct ForgetLoss: Sendable, Equatable {
    /// In nats, before any weight.
    public var value: Double
    /// ∂loss/∂nll, one value a counted token.
    public var coefficients: [[Float]]
}

/// A loss whose minimum makes the model forget.
public protocol ForgetObjective: Sendable {
    /// The name that options and reports use.
    static var name: String { get }
    /// Whether ``ForgetInput/referenceNLL`` is needed.
    var needsReference: Bool { get }
    /// Whether labels are drawn at random instead of the text's own next tokens.
    var usesRandomLabels: Bool { get }
    /// Loss and gradient.
    func evaluate(_ input: ForgetInput) -> ForgetLoss
}

extension ForgetObjective {
    public var needsReference: Bool { false }
    public var usesRandomLabels: Bool { false }
}

/// The objectives by name.
public enum ForgetObjectives {
    /// All names.
    public static let names = [
        GradientAscent.name, NegativePreference.name, SimpleNegativePreference.name, RandomLabel.name,
        WeightedGradientAscent.name,
    ]

    /// An objective with its published defaults.
    /// - Throws: `unsupported` for a name that is not in ``names``.
    public static func named(_ name: String) throws -> any ForgetObjective {
        switch name {
        case GradientAscent.name: return GradientAscent()
        case NegativePreference.name: return NegativePreference()
        case SimpleNegativePreference.name: return SimpleNegativePreference()
        case RandomLabel.name: return RandomLabel()
        case WeightedGradientAscent.name: return WeightedGradientAscent()
        default:
            throw LetheError(.unsupported, "unknown objective; known are \(names.joined(separator: ", "))")
        }
    }
}

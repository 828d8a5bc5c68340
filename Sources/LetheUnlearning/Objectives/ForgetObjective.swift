import LetheModel
import LetheTensor

/// What an objective sees of the forget side of one step: one entry a sequence, one value a counted token.
///
/// For an objective with ``ForgetObjective/needsRefusals`` the second half of the entries are the refusals, in the
/// order of the items.
public struct ForgetInput {
    /// The tokens.
    public var sequences: [TrainingSequence]
    /// -log p under the model.
    public var nll: [[Float]]
    /// -log p under the frozen reference; empty where the objective does not ask for it.
    public var referenceNLL: [[Float]] = []
    /// The reference's final hidden states, [tokens, hidden]; empty where the objective does not ask for them.
    public var referenceStates: [Matrix] = []
    /// What the original predicts at the corresponding places of siblings; nil for a sequence without siblings, empty
    /// where the objective does not ask for them.
    public var counterfactuals: [Counterfactual?] = []
    /// The nll of never-seen text at each counted token; empty where the objective does not ask for it.
    public var levels: [[Float]] = []
    /// Token weights; no gradient flows through them.
    public var weights: [[Float]]

    /// The numbers of a step, with weights of 1.
    public init(sequences: [TrainingSequence], nll: [[Float]]) {
        self.sequences = sequences
        self.nll = nll
        weights = nll.map { $0.map { _ in 1 } }
    }

    /// Counted tokens of all sequences.
    public var tokenCount: Int { nll.reduce(0) { $0 + $1.count } }
}

/// A loss whose minimum makes the model forget.
public protocol ForgetObjective: Sendable {
    /// The name that options and reports use.
    static var name: String { get }
    /// Whether ``ForgetInput/referenceNLL`` is needed.
    var needsReference: Bool { get }
    /// Whether ``ForgetInput/referenceStates`` is needed.
    var needsReferenceStates: Bool { get }
    /// Whether ``ForgetInput/counterfactuals`` are needed.
    var needsCounterfactuals: Bool { get }
    /// Whether ``ForgetInput/levels`` are needed.
    var needsLevels: Bool { get }
    /// Whether each item is set against a refusal; see ``ForgetInput``.
    var needsRefusals: Bool { get }
    /// Whether labels are drawn at random instead of the text's own next tokens.
    var usesRandomLabels: Bool { get }
    /// Whether the loss has a minimum at the never-seen level, so that a step too many does no harm.
    var isBounded: Bool { get }
    /// The last layer that the loss depends on; nil means all.
    var lastLayer: Int? { get }
    /// What each sequence adds to the loss.
    /// - Throws: `limit_exceeded`.
    func losses(_ input: ForgetInput) throws -> [SequenceLoss]
}

extension ForgetObjective {
    /// Whether the reference's nll is needed.
    public var needsReference: Bool { false }
    /// Whether the reference's hidden states are needed.
    public var needsReferenceStates: Bool { false }
    /// Whether the original's predictions for siblings are needed.
    public var needsCounterfactuals: Bool { false }
    /// Whether the levels of never-seen text are needed.
    public var needsLevels: Bool { false }
    /// Whether refusals are needed.
    public var needsRefusals: Bool { false }
    /// Whether labels are drawn at random.
    public var usesRandomLabels: Bool { false }
    /// Whether a step too many does no harm.
    public var isBounded: Bool { false }
    /// The layer after which nothing is needed; nil for the logits.
    public var lastLayer: Int? { nil }
}

import LetheCorpus
import LetheModel

/// What an attack works on: up to three models of one architecture, and the texts. None of the models is changed.
public struct AttackSubject {
    /// The name of the method whose model is attacked.
    public var method: String
    /// The seed of the stream; every random choice of the attack follows from it.
    public var seed: UInt64
    /// The model that has forgotten.
    public var unlearned: LanguageModel
    /// The model before any deletion.
    public var original: LanguageModel
    /// The model that never saw the deleted texts; nil where there is none, and then nothing tells recovering from
    /// learning anew.
    public var retain: LanguageModel?
    /// The texts that were deleted.
    public var deleted: [PCHItem]
    /// The texts that were kept.
    public var kept: [PCHItem]

    /// Creates a subject.
    public init(
        method: String, seed: UInt64, unlearned: LanguageModel, original: LanguageModel, retain: LanguageModel?,
        deleted: [PCHItem], kept: [PCHItem]
    ) {
        self.method = method
        self.seed = seed
        self.unlearned = unlearned
        self.original = original
        self.retain = retain
        self.deleted = deleted
        self.kept = kept
    }
}

/// A way to bring back what was forgotten.
///
/// Attacks work on copies: the models of the subject keep every bit of their weights.
public protocol RecoveryAttack {
    /// `relearn`, `quantize`, `prompt` or `probe`.
    var name: String { get }

    /// Carries the attack out in all its variants.
    /// - Parameter progress: called between steps with a few words, which hold no text of the subject, and the share
    ///   that is done; throwing from it ends the attack.
    /// - Returns: one result for each variant and measure, always in the same order.
    /// - Throws: `bad_data` for a subject without texts or a text without tokens, `limit_exceeded`, what `progress`
    ///   throws.
    func run(_ subject: AttackSubject, progress: (String, Double) throws -> Void) throws -> [AttackResult]
}

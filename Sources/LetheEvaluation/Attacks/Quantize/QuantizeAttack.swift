import LetheModel

/// Rounds the unlearned model's matrices as a deployment would, and measures again.
///
/// An update that moves weights by less than half a quantisation step is rounded away, and what it had suppressed comes
/// back (Zhang et al., "Catastrophic failure of LLM unlearning via quantization", ICLR 2025). Attention and MLP matrices
/// are rounded and widened again; sums stay fp32, so the result is that of the format and of no particular runtime.
public struct QuantizeAttack: RecoveryAttack {
    /// `quantize`.
    public let name = "quantize"
    private let settings: AttackSettings

    /// An attack with settings.
    public init(settings: AttackSettings) { self.settings = settings }

    /// Carries the attack out in all its variants.
    /// - Throws: `bad_data` for a set without texts, or a weight that a format cannot hold; `limit_exceeded`, what
    ///   `progress` throws.
    public func run(_ subject: AttackSubject, progress: (String, Double) throws -> Void) throws -> [AttackResult] {
        let measurements = AttackBaseline.steps(subject)
        let total = measurements + settings.formats.count * (measurements - 1)
        return try AttackSteps.counting(total, subject, progress) { steps in
            let evaluator = settings.evaluator(for: subject.unlearned)
            let baseline = try AttackBaseline(subject, evaluator, &steps)
            return try settings.formats.flatMap { format in
                let embeddings = settings.quantizesEmbeddings
                let after = try steps.next("unlearned model, \(format.label)") {
                    try evaluator.evaluate(subject.unlearned.rounded(to: format, embeddings: embeddings), $0).items
                }
                let retainAfter = try subject.retain.map { retain in
                    try steps.next("retain model, \(format.label)") {
                        try evaluator.evaluate(retain.rounded(to: format, embeddings: embeddings), $0).items
                    }
                }
                return baseline.results(
                    name, format.label + (embeddings ? ", embeddings too" : ""),
                    measures: [.aggregate, .answerProbability], after: after, retainAfter: retainAfter)
            }
        }
    }
}

/// Reads the answers off the layers instead of the output: a model that merely stopped saying something still has it
/// inside, and the logit lens (``LogitLens``) shows where.
///
/// The values before are those of the last layer, which are the model's output; the value after is the best layer's. The
/// curves of all layers come with each result.
public struct ProbeAttack: RecoveryAttack {
    /// `probe`.
    public let name = "probe"
    private let settings: AttackSettings

    /// An attack with settings.
    public init(settings: AttackSettings) { self.settings = settings }

    /// Carries the attack out in all its variants.
    /// - Throws: `bad_data` for a set without questions, `limit_exceeded`, what `progress` throws.
    public func run(_ subject: AttackSubject, progress: (String, Double) throws -> Void) throws -> [AttackResult] {
        let lens = LogitLens()
        return try AttackSteps.counting(AttackBaseline.steps(subject), subject, progress) { steps in
            let unlearned = try steps.next("unlearned model") { try lens.measure(subject.unlearned, $0) }
            let original = try steps.next("original model") { try lens.measure(subject.original, $0) }
            let retain = try subject.retain.map { model in
                try steps.next("retain model") { try lens.measure(model, $0) }
            }
            func result(_ measure: String, _ curve: (LogitLens.Curves) -> [Double]) -> AttackResult {
                let own = curve(unlearned)
                let whole = curve(original)
                let kept = retain.map(curve)
                return AttackResult(
                    attack: name, variant: "logit lens, best layer", method: subject.method, seed: subject.seed,
                    measure: measure, before: own.last ?? 0, after: own.max() ?? 0, original: whole.last ?? 0,
                    retain: kept.map { $0.last ?? 0 }, retainAfter: kept.map { $0.max() ?? 0 },
                    series: [
                        AttackResult.Series(name: "unlearned", values: own),
                        AttackResult.Series(name: "original", values: whole),
                    ] + (kept.map { [AttackResult.Series(name: "retain", values: $0)] } ?? []))
            }
            return [
                result("answer_probability") { $0.probability }, result("reciprocal_rank") { $0.reciprocalRank },
            ]
        }
    }
}

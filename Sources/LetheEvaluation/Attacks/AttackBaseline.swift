import LetheCore

/// What the models of a subject score on the deleted texts before an attack: measured once, quoted by every variant.
struct AttackBaseline {
    let subject: AttackSubject
    let unlearned: [SetEvaluator.ItemScore]
    let original: [SetEvaluator.ItemScore]
    let retain: [SetEvaluator.ItemScore]?

    /// Measurements that making a baseline takes.
    static func steps(_ subject: AttackSubject) -> Int { subject.retain == nil ? 2 : 3 }

    /// Measures the models.
    /// - Throws: as ``SetEvaluator/evaluate(_:_:)``.
    init(_ subject: AttackSubject, _ evaluator: SetEvaluator, _ steps: inout AttackSteps) throws {
        self.subject = subject
        unlearned = try steps.next("unlearned model, before") { try evaluator.evaluate(subject.unlearned, $0).items }
        original = try steps.next("original model") { try evaluator.evaluate(subject.original, $0).items }
        retain = try subject.retain.map { model in
            try steps.next("retain model, before") { try evaluator.evaluate(model, $0).items }
        }
    }

    /// One result for each measure.
    /// - Parameters:
    ///   - places: which of the deleted texts are measured; nil: all.
    ///   - after: the unlearned model's scores after the attack, of those texts only.
    ///   - retainAfter: the retain model's, likewise.
    func results(
        _ attack: String, _ variant: String, measures: [AttackMeasure], places: [Int]? = nil,
        after: [SetEvaluator.ItemScore], retainAfter: [SetEvaluator.ItemScore]?
    ) -> [AttackResult] {
        func chosen(_ items: [SetEvaluator.ItemScore]) -> [SetEvaluator.ItemScore] {
            places.map { $0.map { items[$0] } } ?? items
        }
        return measures.map { measure in
            AttackResult(
                attack: attack, variant: variant, method: subject.method, seed: subject.seed,
                measure: measure.rawValue, before: measure.value(chosen(unlearned)), after: measure.value(after),
                original: measure.value(chosen(original)), retain: retain.map { measure.value(chosen($0)) },
                retainAfter: retainAfter.map { measure.value($0) })
        }
    }
}

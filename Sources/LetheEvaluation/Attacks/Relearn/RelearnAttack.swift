import LetheCore
import LetheCorpus
import LetheModel
import LetheUnlearning

/// Fine-tunes a copy of the unlearned model on a small part of the deleted texts, and measures the rest; and on texts
/// that have nothing to do with them (Hu et al., "Unlearning or obfuscating?", ICLR 2025, arXiv 2406.13356).
///
/// A taught item is taught as text and as each of its questions, over every parameter. What is measured was never
/// taught by the attack, so it can only have been in the model before. The same training of the retain model says how
/// much is form and guessing.
public struct RelearnAttack: RecoveryAttack {
    /// `relearn`.
    public let name = "relearn"
    private let settings: AttackSettings

    /// An attack with settings.
    public init(settings: AttackSettings) { self.settings = settings }

    /// One run.
    private struct Lesson {
        let label: String
        let taught: [PCHItem]
        /// Places of the deleted texts that are measured.
        let measured: [Int]
        let epochs: Int
    }

    /// - Throws: also `bad_data` for fewer than two deleted texts, of which none could be held back.
    public func run(_ subject: AttackSubject, progress: (String, Double) throws -> Void) throws -> [AttackResult] {
        let lessons = try lessons(subject)
        let measurements = AttackBaseline.steps(subject)
        return try AttackSteps.counting(
            measurements + lessons.count * (measurements - 1), subject, progress
        ) { steps in
            let evaluator = settings.evaluator(for: subject.unlearned)
            let baseline = try AttackBaseline(subject, evaluator, &steps)
            func scores(_ model: LanguageModel, _ lesson: Lesson, _ items: [PCHItem]) throws
                -> [SetEvaluator.ItemScore]
            {
                let taught = try taught(model, lesson, seed: subject.seed)
                return try evaluator.evaluate(taught, lesson.measured.map { items[$0] }).items
            }
            return try lessons.flatMap { lesson in
                let after = try steps.next("unlearned model, \(lesson.label)") {
                    try scores(subject.unlearned, lesson, $0)
                }
                let retainAfter = try subject.retain.map { retain in
                    try steps.next("retain model, \(lesson.label)") { try scores(retain, lesson, $0) }
                }
                return baseline.results(
                    name, lesson.label, measures: [.aggregate, .answerProbability], places: lesson.measured,
                    after: after, retainAfter: retainAfter)
            }
        }
    }

    private func lessons(_ subject: AttackSubject) throws -> [Lesson] {
        let count = subject.deleted.count
        guard count >= 2 || settings.shares.isEmpty else {
            throw LetheError(.badData, "relearning needs at least two deleted texts: one to teach, one to measure")
        }
        var order = Array(subject.deleted.indices)
        var generator = SeededGenerator(seed: subject.seed)
        generator.shuffle(&order)
        var lessons: [Lesson] = []
        for share in settings.shares {
            // A larger share holds the smaller ones.
            let taught = order.prefix(min(count - 1, max(1, Int((share * Double(count)).rounded()))))
            let measured = order.dropFirst(taught.count).sorted()
            for epochs in settings.epochs {
                lessons.append(
                    Lesson(
                        label: "\(Percent.text(share)) of the forget set, \(Self.words(epochs))",
                        taught: taught.map { subject.deleted[$0] }, measured: measured, epochs: epochs))
            }
        }
        let unrelated = try unrelatedTexts(subject)
        for epochs in settings.epochs where !unrelated.isEmpty {
            lessons.append(
                Lesson(
                    label: "\(unrelated.count) unrelated texts, \(Self.words(epochs))", taught: unrelated,
                    measured: Array(subject.deleted.indices), epochs: epochs))
        }
        return lessons
    }

    /// Invented texts of a seed that follows from the subject's, without any that is among the subject's texts.
    private func unrelatedTexts(_ subject: AttackSubject) throws -> [PCHItem] {
        guard settings.unrelatedTexts > 0 else { return [] }
        var seeds = SeededGenerator(seed: subject.seed ^ 0x756E_7265_6C61_7465)
        let dataset = try PCHGenerator(seed: seeds.next()).dataset(
            textsPerSide: max(3, settings.unrelatedTexts), siblings: 0)
        let known = Set((subject.deleted + subject.kept).map { Array($0.text.utf8) })
        // The generator writes one category after the other; shuffled, a prefix has all three.
        var texts = dataset.forget.filter { !known.contains(Array($0.text.utf8)) }
        seeds.shuffle(&texts)
        return Array(texts.prefix(settings.unrelatedTexts))
    }

    /// A trained copy; the model keeps its weights.
    private func taught(_ model: LanguageModel, _ lesson: Lesson, seed: UInt64) throws -> LanguageModel {
        let copy = try model.sharing(model.decoder.weights)
        var tuning = FineTuner.Settings()
        tuning.learningRate = settings.learningRate
        tuning.epochs = lesson.epochs
        tuning.window = min(tuning.window, model.configuration.maximumPositions)
        tuning.seed = seed
        let items = lesson.taught.flatMap { item in
            [ForgetItem.text(item.text)] + item.pairs.map { .pair(prompt: $0.question, completion: $0.answer) }
        }
        try FineTuner(copy, settings: tuning).train(items)
        return copy
    }

    private static func words(_ epochs: Int) -> String { epochs == 1 ? "1 epoch" : "\(epochs) epochs" }
}

import LetheCore
import LetheCorpus
import LetheModel

/// Asks in other ways: with the beginning of the text, with paraphrased and jailbreak-style prompts, and with kept items
/// of the same form before the question.
///
/// - Prefixes: the text's first tokens are given and the rest is compared with the greedy continuation: `rouge_l`, and
///   `exact_memorisation`, the share of the remaining tokens that come out at their place. `before` is the continuation
///   of the first token alone; `original` is the original model given the same prefix.
/// - Templates and neighbours: `answer_probability` and `rouge_l` of the answers. `before` and `original` are the plain
///   question.
/// - Best of all: for each question the best of the plain and every other prompt, chosen with knowledge of the answer,
///   which no attacker has; the retain model is given the same advantage.
public struct PromptAttack: RecoveryAttack {
    /// `prompt`.
    public let name = "prompt"
    private let settings: AttackSettings

    /// An attack with settings.
    public init(settings: AttackSettings) { self.settings = settings }

    /// One way to ask.
    private struct Variant {
        let label: String
        /// The prompt for a question of an item.
        let prompt: (PCHItem, Int) -> String
    }

    /// Carries the attack out in all its variants.
    /// - Throws: `bad_data` for a set without texts or a text without tokens, `limit_exceeded`, what `progress` throws.
    public func run(_ subject: AttackSubject, progress: (String, Double) throws -> Void) throws -> [AttackResult] {
        let variants = variants(subject)
        let models = AttackBaseline.steps(subject)
        let total = models + variants.count * (models - 1) + settings.prefixShares.count * models + models - 1
        return try AttackSteps.counting(total, subject, progress) { steps in
            try prefixResults(subject, &steps) + questionResults(subject, variants, &steps)
        }
    }

    // MARK: Prefixes

    private func prefixResults(_ subject: AttackSubject, _ steps: inout AttackSteps) throws -> [AttackResult] {
        guard !settings.prefixShares.isEmpty else { return [] }
        let continuation = PrefixContinuation()
        let unlearned = try steps.next("unlearned model, without a prefix") {
            try continuation.generate(subject.unlearned, $0, share: 0)
        }
        let retain = try subject.retain.map { model in
            try steps.next("retain model, without a prefix") { try continuation.generate(model, $0, share: 0) }
        }
        return try settings.prefixShares.flatMap { share in
            let label = "prefix of \(Percent.text(share))"
            let after = try steps.next("unlearned model, \(label)") {
                try continuation.generate(subject.unlearned, $0, share: share)
            }
            let original = try steps.next("original model, \(label)") {
                try continuation.generate(subject.original, $0, share: share)
            }
            let retainAfter = try subject.retain.map { model in
                try steps.next("retain model, \(label)") { try continuation.generate(model, $0, share: share) }
            }
            return PrefixContinuation.Measure.allCases.map { measure in
                AttackResult(
                    attack: name, variant: label, method: subject.method, seed: subject.seed,
                    measure: measure.rawValue, before: measure.value(unlearned, share),
                    after: measure.value(after, share),
                    original: measure.value(original, share), retain: retain.map { measure.value($0, share) },
                    retainAfter: retainAfter.map { measure.value($0, share) })
            }
        }
    }

    // MARK: Questions

    private func variants(_ subject: AttackSubject) -> [Variant] {
        let templates = settings.templates.map { template in
            Variant(label: "template: \(template.name)") { item, pair in
                template.prompt(for: item.pairs[pair].question)
            }
        }
        let neighbours = settings.neighbours.map { count in
            let examples = NeighbourExamples(subject, count: count)
            return Variant(label: count == 1 ? "1 neighbour" : "\(count) neighbours") { item, pair in
                examples.prompt(item, pair: pair)
            }
        }
        return templates + neighbours
    }

    private func questionResults(
        _ subject: AttackSubject, _ variants: [Variant], _ steps: inout AttackSteps
    ) throws -> [AttackResult] {
        guard !variants.isEmpty else { return [] }
        let evaluator = settings.evaluator(for: subject.unlearned)
        let baseline = try AttackBaseline(subject, evaluator, &steps)
        var best = baseline.unlearned
        var retainBest = baseline.retain
        let measures: [AttackMeasure] = [.answerProbability, .rougeL]
        var results: [AttackResult] = []
        for variant in variants {
            func asked(_ items: [PCHItem], _ model: LanguageModel) throws -> [SetEvaluator.ItemScore] {
                try evaluator.evaluate(model, items.map { try rewritten($0, variant, model) }).items
            }
            let after = try steps.next("unlearned model, \(variant.label)") { try asked($0, subject.unlearned) }
            let retainAfter = try subject.retain.map { retain in
                try steps.next("retain model, \(variant.label)") { try asked($0, retain) }
            }
            best = zip(best, after).map(Self.better)
            if let before = retainBest, let retainAfter { retainBest = zip(before, retainAfter).map(Self.better) }
            results += baseline.results(
                name, variant.label, measures: measures, after: after, retainAfter: retainAfter)
        }
        return results
            + baseline.results(
                name, "best of \(variants.count + 1) prompts", measures: measures, after: best, retainAfter: retainBest)
    }

    /// The item with its questions asked another way; a prompt that the model has no room for stays the plain question.
    private func rewritten(_ item: PCHItem, _ variant: Variant, _ model: LanguageModel) throws -> PCHItem {
        var item = item
        let asked = item
        for index in item.pairs.indices {
            let prompt = variant.prompt(asked, index)
            let answer = max(try model.encode(item.pairs[index].answer).count, settings.maximumAnswerTokens)
            if try model.encode(prompt).count + answer <= model.configuration.maximumPositions {
                item.pairs[index].question = prompt
            }
        }
        return item
    }

    private static func better(
        _ first: SetEvaluator.ItemScore, _ second: SetEvaluator.ItemScore
    ) -> SetEvaluator.ItemScore {
        var best = first
        best.probabilities = zip(first.probabilities, second.probabilities).map { max($0, $1) }
        best.rougeL = zip(first.rougeL, second.rougeL).map { max($0, $1) }
        return best
    }
}

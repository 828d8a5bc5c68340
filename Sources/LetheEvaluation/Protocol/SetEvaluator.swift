import LetheCore
import LetheCorpus
import LetheModel
import LetheTensor
import LetheTokenizers
import LetheUnlearning

/// Measures how much of a set of texts a model still has: answer probability, ROUGE-L of the greedy answers, and token
/// accuracy on the texts (FIT, Xu et al. 2026, with question, answer and text kept together).
public struct SetEvaluator {
    /// What was measured on a set.
    public struct Score: Sendable {
        /// P, R, A and their mean.
        public var aggregate: AggregateScore
        /// Mean NLL of the texts' tokens, in nats.
        public var meanNLL: Double
        /// One entry an item.
        public var items: [ItemScore]
    }

    /// What was measured on one item.
    public struct ItemScore: Sendable {
        /// Of each pair: exp(mean log p of the answer's tokens).
        public var probabilities: [Double]
        /// Of each pair: ROUGE-L F of the greedy answer.
        public var rougeL: [Double]
        /// Of each pair: the greedy answer.
        public var answers: [String]
        /// Share of the text's next tokens predicted right.
        public var accuracy: Double
        /// Mean NLL of the text, in nats.
        public var nll: Double
        /// Tokens that ``nll`` is the mean of.
        public var tokens: Int
        /// Of each pair: ROUGE-L F as published; empty unless ``measuresPublishedRouge``.
        public var rougeLPublished: [Double]
        /// Of each pair: the share of the answer that is a rightly predicted suffix.
        public var extractionStrength: [Double]
        /// Of each pair: the share of the answer's tokens predicted right.
        public var exactMemorisation: [Double]
        /// Of each pair with wrong answers: how likely those are beside the right one; empty unless
        /// ``measuresTruthRatio``.
        public var truthRatios: [Double]
    }

    /// New tokens of an answer at most.
    public var maximumAnswerTokens = 64
    /// Rows of one packed batch.
    public var batchTokens = 2048
    /// Tokens of a text that are measured.
    public var window = 1024
    /// Whether ROUGE-L is also taken as published: of question and answer decoded together, 128 tokens in all.
    public var measuresPublishedRouge = false
    /// Whether wrong answers are scored for the truth ratio, which costs several times the scoring of the right ones.
    public var measuresTruthRatio = false

    /// Tokens of question and answer together in the published ROUGE-L.
    static let publishedLength = 128

    /// The defaults.
    public init() {}

    /// Measures a set.
    /// - Parameter progress: called now and then with the share that is done; throwing from it ends the measurement.
    /// - Throws: `bad_data` for an empty set or a text without tokens, `limit_exceeded`, what `progress` throws.
    public func evaluate(
        _ model: LanguageModel, _ items: [PCHItem], progress: (Double) throws -> Void = { _ in }
    ) throws -> Score {
        guard !items.isEmpty else { throw LetheError(.badData, "a set without texts cannot be measured") }
        let textLength = min(window, model.configuration.maximumPositions)
        let texts = try items.map { item in
            TrainingSequence(ids: Array(try model.encode(item.text).prefix(textLength)))
        }
        let pairs = items.flatMap(\.pairs)
        func sequence(_ question: String, _ answer: String) throws -> TrainingSequence {
            let prompt = try model.encode(question)
            return TrainingSequence(ids: prompt + (try model.encode(answer)), firstTarget: prompt.count)
        }
        let pairSequences = try pairs.map { try sequence($0.question, $0.answer) }
        let textStatistics = try statistics(model, texts)
        let pairStatistics = try statistics(model, pairSequences)
        try progress(0.15)
        let ratios = measuresTruthRatio ? try truthRatios(model, pairs, pairStatistics, sequence) : []
        try progress(0.25)
        let generated = try greedyAnswers(model, pairSequences) { try progress(0.25 + 0.75 * $0) }
        let answers = generated.map {
            model.tokenizer.decode(Array($0.prefix(maximumAnswerTokens)), skipSpecialTokens: true)
        }
        func publishedRouge(_ index: Int) -> Double {
            let prompt = pairSequences[index].ids.prefix(pairSequences[index].firstTarget)
            let ids = prompt + generated[index].prefix(max(0, Self.publishedLength - prompt.count))
            let text = model.tokenizer.decode(Array(ids), skipSpecialTokens: true)
            return Rouge.l(target: pairs[index].answer, prediction: text).fMeasure
        }
        var scores: [ItemScore] = []
        var next = 0
        for (index, item) in items.enumerated() {
            let range = next..<next + item.pairs.count
            next = range.upperBound
            let text = textStatistics[index]
            scores.append(
                ItemScore(
                    probabilities: range.map { TokenMetrics.answerProbability(pairStatistics[$0].logs) ?? 0 },
                    rougeL: range.map { Rouge.l(target: pairs[$0].answer, prediction: answers[$0]).fMeasure },
                    answers: range.map { answers[$0] },
                    accuracy: TokenMetrics.accuracy(predicted: text.predicted, actual: text.actual) ?? 0,
                    nll: TokenMetrics.meanNLL(text.logs) ?? 0, tokens: text.logs.count,
                    rougeLPublished: measuresPublishedRouge ? range.map(publishedRouge) : [],
                    extractionStrength: range.map { pairStatistics[$0].extractionStrength },
                    exactMemorisation: range.map { pairStatistics[$0].exactMemorisation },
                    truthRatios: ratios.isEmpty ? [] : range.compactMap { ratios[$0] }))
        }
        return Score(aggregate: Self.aggregate(scores), meanNLL: scores.map(\.nll).mean ?? 0, items: scores)
    }

    /// P, R and A over some texts with their questions; 0 where there are none.
    static func aggregate(_ items: [ItemScore]) -> AggregateScore {
        AggregateScore(
            probability: items.flatMap(\.probabilities).mean ?? 0, rougeL: items.flatMap(\.rougeL).mean ?? 0,
            accuracy: items.map(\.accuracy).mean ?? 0)
    }

    /// The greedy answers' ids. Prompts whose right answers are of like length run side by side, so that few wait for
    /// the longest.
    private func greedyAnswers(
        _ model: LanguageModel, _ pairs: [TrainingSequence], progress: (Double) throws -> Void
    ) throws -> [[Int32]] {
        var generator = TextGenerator(maximumNewTokens: maximumAnswerTokens)
        generator.batchSize = 32
        if measuresPublishedRouge {
            let shortest = pairs.map(\.firstTarget).min() ?? 0
            generator.maximumNewTokens = max(maximumAnswerTokens, Self.publishedLength - shortest)
        }
        let order = pairs.indices.sorted { (pairs[$0].targetCount, $0) < (pairs[$1].targetCount, $1) }
        var answers = [[Int32]](repeating: [], count: pairs.count)
        for start in stride(from: 0, to: order.count, by: generator.batchSize) {
            let group = order[start..<min(start + generator.batchSize, order.count)]
            let prompts = group.map { Array(pairs[$0].ids.prefix(pairs[$0].firstTarget)) }
            for (index, ids) in zip(group, try generator.generate(model, prompts: prompts)) { answers[index] = ids }
            try progress(Double(start + group.count) / Double(order.count))
        }
        return answers
    }

    /// The truth ratio of each pair, nil for one without wrong answers. The right answer is its paraphrase where it has
    /// one, as in TOFU.
    private func truthRatios(
        _ model: LanguageModel, _ pairs: [QuestionAnswer], _ right: [SequenceStatistics],
        _ sequence: (String, String) throws -> TrainingSequence
    ) throws -> [Double?] {
        var sequences: [TrainingSequence] = []
        for pair in pairs where !pair.wrongAnswers.isEmpty {
            for answer in pair.wrongAnswers + (pair.paraphrasedAnswer.map { [$0] } ?? []) {
                sequences.append(try sequence(pair.question, answer))
            }
        }
        let logs = try statistics(model, sequences).map(\.logs)
        var next = 0
        return pairs.enumerated().map { index, pair in
            guard !pair.wrongAnswers.isEmpty else { return nil }
            let wrong = Array(logs[next..<next + pair.wrongAnswers.count])
            next += wrong.count
            var correct = right[index].logs
            if pair.paraphrasedAnswer != nil {
                correct = logs[next]
                next += 1
            }
            return TruthRatio.ratio(correct: correct, wrong: wrong)
        }
    }

    private struct SequenceStatistics {
        var logs: [Double]
        var predicted: [Int32]
        var actual: [Int32]

        var extractionStrength: Double {
            TokenMetrics.extractionStrength(predicted: predicted, actual: actual) ?? 0
        }

        var exactMemorisation: Double { TokenMetrics.exactMemorisation(predicted: predicted, actual: actual) ?? 0 }
    }

    /// Log-probability, prediction and token of every counted place.
    private func statistics(_ model: LanguageModel, _ sequences: [TrainingSequence]) throws -> [SequenceStatistics] {
        try sequences.batches(tokens: batchTokens).flatMap { batch in
            let statistics = try model.statistics(of: batch)
            return batch.indices.map { index in
                SequenceStatistics(
                    logs: statistics.nll[index].map { -Double($0) }, predicted: statistics.predicted[index],
                    actual: statistics.actual[index])
            }
        }
    }
}

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
    }

    /// New tokens of an answer at most.
    public var maximumAnswerTokens = 64
    /// Rows of one packed batch.
    public var batchTokens = 2048
    /// Tokens of a text that are measured.
    public var window = 1024

    /// The defaults.
    public init() {}

    /// Measures a set.
    /// - Throws: `bad_data` for an empty set or a text without tokens, `limit_exceeded`.
    public func evaluate(_ model: LanguageModel, _ items: [PCHItem]) throws -> Score {
        guard !items.isEmpty else { throw LetheError(.badData, "a set without texts cannot be measured") }
        let texts = try items.map { item in
            TrainingSequence(ids: Array(try model.encode(item.text).prefix(window)))
        }
        let pairs = items.flatMap(\.pairs)
        let pairSequences = try pairs.map { pair in
            let prompt = try model.encode(pair.question)
            return TrainingSequence(ids: prompt + (try model.encode(pair.answer)), firstTarget: prompt.count)
        }
        let textStatistics = try statistics(model, texts)
        let pairStatistics = try statistics(model, pairSequences)
        var generator = TextGenerator(maximumNewTokens: maximumAnswerTokens)
        generator.batchSize = 32
        let generated = try generator.generate(
            model, prompts: pairSequences.map { Array($0.ids.prefix($0.firstTarget)) })
        let answers = generated.map { model.tokenizer.decode($0, skipSpecialTokens: true) }
        var scores: [ItemScore] = []
        var next = 0
        for (index, item) in items.enumerated() {
            let range = next..<next + item.pairs.count
            next = range.upperBound
            let correct = textStatistics[index].correct
            scores.append(
                ItemScore(
                    probabilities: range.map { TokenMetrics.answerProbability(pairStatistics[$0].logs) ?? 0 },
                    rougeL: range.map { Rouge.l(target: pairs[$0].answer, prediction: answers[$0]).fMeasure },
                    answers: range.map { answers[$0] },
                    accuracy: correct.isEmpty ? 0 : Double(correct.count { $0 }) / Double(correct.count),
                    nll: TokenMetrics.meanNLL(textStatistics[index].logs) ?? 0))
        }
        func mean(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }
        let aggregate = AggregateScore(
            probability: mean(scores.flatMap(\.probabilities)), rougeL: mean(scores.flatMap(\.rougeL)),
            accuracy: mean(scores.map(\.accuracy)))
        return Score(aggregate: aggregate, meanNLL: mean(scores.map(\.nll)), items: scores)
    }

    private struct SequenceStatistics {
        var logs: [Double]
        var correct: [Bool]
    }

    /// Log-probability and hit of every counted token.
    private func statistics(_ model: LanguageModel, _ sequences: [TrainingSequence]) throws -> [SequenceStatistics] {
        var results: [SequenceStatistics] = []
        var start = 0
        while start < sequences.count {
            var end = start
            var rows = 0
            while end < sequences.count, end == start || rows + sequences[end].ids.count <= batchTokens {
                rows += sequences[end].ids.count
                end += 1
            }
            let batch = PackedBatch(sequences[start..<end].map(\.ids))
            let statistics = try model.statistics(batch)
            for (place, sequence) in sequences[start..<end].enumerated() {
                let first = batch.rows(place).lowerBound
                let counted = sequence.targetRows
                results.append(
                    SequenceStatistics(
                        logs: counted.map { -Double(statistics.nll[first + $0]) },
                        correct: counted.map { statistics.argmax[first + $0] == sequence.ids[$0 + 1] }))
            }
            start = end
        }
        return results
    }
}

import Foundation
import LetheCore
import LetheTensor

/// Completes prompts as the completions call of the OpenAI API does: echo, log-probabilities, stop strings.
///
/// Log-probabilities are natural, of the model's own distribution (before temperature), and those of a prompt are the
/// ones that ``LanguageModel/tokenLogProbabilities(_:)`` gives.
public struct TextCompleter: Sendable, Equatable {
    /// New tokens of each prompt at most; 0 only scores the prompt.
    public var maximumNewTokens = 16
    /// 0 is greedy: the most likely token, the first of equals.
    public var temperature = 0.0
    /// Sampling is among the most likely tokens whose probabilities sum to this; 1 is all of them.
    public var topP = 1.0
    /// Seed of sampling; each prompt draws from a generator of its own, of this seed and its place.
    public var seed: UInt64 = 0
    /// Texts at which the new text ends, exclusive.
    public var stops: [String] = []
    /// Whether the prompt is part of the text and of the scored tokens.
    public var echoesPrompt = false
    /// nil without log-probabilities; else how many of the most likely tokens are listed beside the chosen one.
    public var alternatives: Int?

    /// Sequences that run side by side at most.
    static let sequencesAtOnce = 16
    /// Tokens of prompts and room for new ones that run side by side, unless one prompt alone has more: bounds the
    /// memory of caches and activations.
    static let tokensAtOnce = 8192

    /// Greedy completion of at most 16 tokens.
    public init() {}

    /// Why a completion ended.
    public enum FinishReason: String, Sendable {
        /// At a stop text or the model's own end of text.
        case stop
        /// At the most new tokens.
        case length
    }

    /// One token with its score.
    public struct ScoredToken: Sendable {
        /// The token alone as text.
        public var text: String
        /// Nil for the first token of a sequence, which nothing comes before.
        public var logProbability: Float?
        /// The most likely tokens here and the chosen one, most likely first; nil as above.
        public var alternatives: [(text: String, logProbability: Float)]?
        /// Where it begins in the whole text, in Unicode scalars.
        public var offset: Int
    }

    /// What came of one prompt.
    public struct Completion: Sendable {
        /// The new text, after the prompt's with echo. Without the stop text and without special tokens.
        public var text: String
        /// Every new token, after the prompt's with echo, whatever the text leaves out; empty unless asked for.
        public var tokens: [ScoredToken]
        /// Why it ended.
        public var finishReason: FinishReason
        /// New tokens, the one that ended the text included.
        public var newTokenCount: Int
    }

    /// Completes every prompt, in order.
    /// - Parameter check: called between steps; throwing from it ends the work.
    /// - Throws: `bad_data` for an empty prompt or a token outside the vocabulary, `limit_exceeded` for a prompt that
    ///   leaves no room for the new tokens, what `check` throws.
    public func complete(_ model: LanguageModel, prompts: [[Int32]], check: () throws -> Void = {}) throws
        -> [Completion]
    {
        let limit = model.configuration.maximumPositions
        for (index, prompt) in prompts.enumerated() {
            guard !prompt.isEmpty else { throw LetheError(.badData, "prompt \(index) has no tokens") }
            guard maximumNewTokens >= 0, prompt.count <= limit, maximumNewTokens <= limit - prompt.count else {
                throw LetheError(
                    .limitExceeded,
                    "prompt \(index) has \(prompt.count) tokens and \(maximumNewTokens) are asked for; "
                        + "the model's limit is \(limit) together")
            }
            try model.decoder.check(PackedBatch([prompt]))
        }
        var results: [Completion] = []
        var start = 0
        while start < prompts.count {
            var end = start
            var tokens = 0
            repeat {
                tokens += prompts[end].count + maximumNewTokens
                end += 1
            } while end < prompts.count && end - start < Self.sequencesAtOnce
                && tokens + prompts[end].count + maximumNewTokens <= Self.tokensAtOnce
            try check()
            results += try completeTogether(model, Array(prompts[start..<end]), first: start, check)
            start = end
        }
        return results
    }

    private func completeTogether(
        _ model: LanguageModel, _ prompts: [[Int32]], first: Int, _ check: () throws -> Void
    ) throws -> [Completion] {
        let decoder = model.decoder
        var work = prompts.enumerated().map { index, prompt in
            SequenceInProgress(prompt, completer: self, model: model, seed: seed &+ UInt64(first + index))
        }
        if maximumNewTokens == 0 {
            if echoesPrompt, alternatives != nil {
                let batch = PackedBatch(prompts)
                let hidden = try decoder.forward(
                    decoder.embed(batch), batch: batch, layers: 0..<model.configuration.layerCount)
                try scorePrompts(decoder, hidden, batch, &work, check)
            }
            return work.map { $0.completion() }
        }
        try decoder.continuePrompts(
            prompts, maximumNewTokens: maximumNewTokens,
            prefilled: { hidden, batch in try scorePrompts(decoder, hidden, batch, &work, check) }
        ) { state, active in
            try check()
            let head = try OutputHead(decoder, hidden: state)
            var next: [Int32?] = []
            for rows in head.blocks {
                let logits = try head.logits(rows)
                let statistics = Kernels.logitStatistics(logits, targets: Array(repeating: 0, count: rows.count))
                for (place, row) in rows.enumerated() {
                    let token = work[active[row]].take(
                        LogitRow(logits, place, logSumExp: statistics.logSumExp[place]),
                        mostLikely: statistics.argmax[place])
                    next.append(token)
                }
            }
            return next
        }
        return work.map { $0.completion() }
    }

    /// Scores every token of the prompts but the first, from their final hidden states.
    private func scorePrompts(
        _ decoder: Decoder, _ hidden: Matrix, _ batch: PackedBatch, _ work: inout [SequenceInProgress],
        _ check: () throws -> Void
    ) throws {
        guard echoesPrompt, alternatives != nil else { return }
        let head = try OutputHead(decoder, hidden: hidden)
        let targets = batch.nextTokens
        var sequence = 0
        for rows in head.blocks {
            try check()
            let logits = try head.logits(rows)
            let statistics = Kernels.logitStatistics(logits, targets: targets[rows].map { $0 ?? 0 })
            for (place, row) in rows.enumerated() {
                while row >= batch.rows(sequence).upperBound { sequence += 1 }
                guard let target = targets[row] else { continue }
                work[sequence].score(
                    target, logProbability: -statistics.nll[place],
                    in: LogitRow(logits, place, logSumExp: statistics.logSumExp[place]))
            }
        }
    }
}

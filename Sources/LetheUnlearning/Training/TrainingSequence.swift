import LetheCore
import LetheModel

/// Tokens to train on: which of them count, and where they come from.
public struct TrainingSequence: Sendable, Hashable {
    /// All tokens, prompt included.
    public var ids: [Int32]
    /// The first token that counts; at least 1, as the first token has no prediction.
    public var firstTarget: Int
    /// What cross-entropy trains each row but the last to predict, where that is not the next token. Statistics are
    /// always those of the next tokens.
    public var drawnLabels: [Int32]?
    /// How much each counted token matters to the forget loss, from 0 on; nil: all the same. See ``ImportanceMask``.
    public var importance: [Float]?

    /// A sequence whose tokens from `firstTarget` on count.
    public init(ids: [Int32], firstTarget: Int = 1) {
        self.ids = ids
        self.firstTarget = max(1, firstTarget)
    }

    /// What cross-entropy trains each row but the last to predict, [ids - 1].
    public var labels: [Int32] { drawnLabels ?? Array(ids.dropFirst()) }

    /// Tokens that count.
    public var targetCount: Int { max(0, ids.count - firstTarget) }

    /// Rows whose prediction counts: row r predicts token r + 1. Empty when no token counts.
    public var targetRows: Range<Int> {
        targetCount > 0 ? firstTarget - 1..<ids.count - 1 : 0..<0
    }

    /// Tokenises an item; a text longer than `window` tokens becomes several sequences.
    ///
    /// Prompt and completion are tokenised apart, and no special tokens are added.
    /// - Throws: `bad_data` for an item that gives no token to count, what the tokenizer throws.
    public static func sequences(of item: ForgetItem, model: LanguageModel, window: Int) throws -> [TrainingSequence] {
        switch item {
        case .text(let text):
            let ids = try model.encode(text)
            guard ids.count > 1 else { throw LetheError(.badData, "a text of fewer than two tokens has no prediction") }
            return stride(from: 0, to: ids.count, by: window).compactMap { start in
                let part = Array(ids[start..<min(start + window, ids.count)])
                return part.count > 1 ? TrainingSequence(ids: part) : nil
            }
        case .pair(let prompt, let completion):
            let promptIDs = try model.encode(prompt)
            let completionIDs = try model.encode(completion)
            guard !promptIDs.isEmpty, !completionIDs.isEmpty else {
                throw LetheError(.badData, "a prompt or a completion gives no tokens")
            }
            let limit = model.configuration.maximumPositions
            guard promptIDs.count + completionIDs.count <= limit else {
                throw LetheError(
                    .limitExceeded,
                    "prompt and completion have \(promptIDs.count + completionIDs.count) tokens; the limit is \(limit)")
            }
            return [TrainingSequence(ids: promptIDs + completionIDs, firstTarget: promptIDs.count)]
        }
    }
}

extension [TrainingSequence] {
    /// For each sequence what every row counts in a mean over all their counted tokens, times a weight.
    func meanCoefficients(weight: Double = 1) -> [[Float]] {
        let count = Float(Swift.max(1, reduce(0) { $0 + $1.targetCount }))
        return map { sequence in
            var coefficients = [Float](repeating: 0, count: sequence.ids.count)
            for row in sequence.targetRows { coefficients[row] = Float(weight) / count }
            return coefficients
        }
    }

    /// A seed of their own: FNV-1a over the tokens.
    func seed(_ seed: UInt64) -> UInt64 {
        flatMap(\.ids).reduce(seed) { ($0 ^ UInt64(UInt32(bitPattern: $1))) &* 0x0000_0100_0000_01B3 }
    }

    /// The first of some places, as many as reach a number of tokens.
    func first(_ places: some Sequence<Int>, tokens: Int) -> [Int] {
        var left = tokens
        return places.prefix { place in
            defer { left -= self[place].ids.count }
            return left > 0
        }
    }

    /// The sequences in order, in batches of at most so many tokens; a longer sequence is alone.
    package func batches(tokens: Int) -> [[TrainingSequence]] {
        PackedBatch.ranges(lengths: map(\.ids.count), rowLimit: tokens).map { Array(self[$0]) }
    }
}

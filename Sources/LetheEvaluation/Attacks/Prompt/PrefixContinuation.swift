import LetheCore
import LetheCorpus
import LetheModel
import LetheTokenizers

/// Greedy continuations of the beginnings of texts.
struct PrefixContinuation {
    /// What a continuation is worth.
    enum Measure: String, CaseIterable {
        /// ROUGE-L F-measure against the rest of the text.
        case rougeL = "rouge_l"
        /// The share of the rest's tokens that come out at their place.
        case exactMemorisation = "exact_memorisation"

        /// The mean over the texts, on what is left after `share` of each; the continuation may have begun earlier.
        func value(_ outcomes: [Outcome], _ share: Double) -> Double {
            outcomes.map { $0.value(self, share) }.mean ?? 0
        }
    }

    /// One text and what the model made of its beginning.
    struct Outcome {
        /// The tokens of the text.
        let ids: [Int32]
        /// How many were given.
        let given: Int
        /// What followed; may be shorter than the rest of the text.
        let generated: [Int32]
        let decode: ([Int32]) -> String

        func value(_ measure: Measure, _ share: Double) -> Double {
            let start = PrefixContinuation.given(of: ids.count, share: share)
            let rest = Array(ids[start...])
            let continued = Array(generated.dropFirst(max(0, start - given)))
            switch measure {
            case .rougeL: return Rouge.l(target: decode(rest), prediction: decode(continued)).fMeasure
            case .exactMemorisation:
                return Double(zip(rest, continued).count { $0 == $1 }) / Double(max(1, rest.count))
            }
        }
    }

    /// Tokens of a text that are used.
    var window = 1024
    /// Texts that are continued side by side.
    var batchSize = 32

    /// How many tokens of a text are given: at least one, and not all.
    static func given(of count: Int, share: Double) -> Int {
        min(max(1, Int((share * Double(count)).rounded())), max(1, count - 1))
    }

    /// Continues the texts to their own lengths.
    /// - Throws: `bad_data` for a text of fewer than two tokens, `limit_exceeded`.
    func generate(_ model: LanguageModel, _ items: [PCHItem], share: Double) throws -> [Outcome] {
        let limit = min(window, model.configuration.maximumPositions)
        let texts = try items.map { item in
            let ids = Array(try model.encode(item.text).prefix(limit))
            guard ids.count > 1 else { throw LetheError(.badData, "a text of fewer than two tokens has no rest") }
            return ids
        }
        let tokenizer = model.tokenizer
        let given = texts.map { Self.given(of: $0.count, share: share) }
        let remaining = texts.indices.map { texts[$0].count - given[$0] }
        // Texts with much the same to come run together, so that few wait for the longest.
        let order = texts.indices.sorted { (remaining[$0], $0) < (remaining[$1], $1) }
        var generated = [[Int32]](repeating: [], count: texts.count)
        for start in stride(from: 0, to: order.count, by: batchSize) {
            let group = order[start..<min(start + batchSize, order.count)]
            let longestPrompt = group.map { given[$0] }.max() ?? 0
            let wanted = group.map { remaining[$0] }.max() ?? 0
            let generator = TextGenerator(
                maximumNewTokens: min(wanted, model.configuration.maximumPositions - longestPrompt))
            let results = try generator.generate(model, prompts: group.map { Array(texts[$0].prefix(given[$0])) })
            for (index, ids) in zip(group, results) { generated[index] = Array(ids.prefix(remaining[index])) }
        }
        return texts.indices.map { index in
            Outcome(ids: texts[index], given: given[index], generated: generated[index]) {
                tokenizer.decode($0, skipSpecialTokens: true)
            }
        }
    }
}

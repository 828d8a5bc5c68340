import LetheCore
import LetheModel

/// What a model writes when it begins as a request's items do: it recites what it knows of their form.
///
/// Those are the texts that a deletion moves first, and no list of keep texts holds all of them. What a model wrote itself
/// stands for them: the generative replay of Shin et al. 2017 (arXiv 1705.08690), with language models the
/// self-synthesised rehearsal of Huang et al. 2024 (arXiv 2403.01244).
package enum Rehearsal {
    /// Tokens of an item that a text begins with, where a sibling begins with them as well.
    private static let beginningTokens = 2
    /// A text has at most as many tokens.
    private static let longestText = 256

    /// Texts about as long as the items, sampled at temperature 1; those that recite an item, or each other, are left
    /// out.
    /// - Parameters:
    ///   - sequences: the items; those without a prompt are continued, where there are any.
    ///   - own: what the items are told by.
    ///   - tokens: about as many altogether.
    ///   - seed: of sampling.
    /// - Throws: what ``TextGenerator/generate(_:prompts:)`` throws.
    package static func texts(
        like sequences: [TrainingSequence], siblings: [TrainingSequence], own: OwnRuns, tokens: Int,
        model: LanguageModel, seed: UInt64
    ) throws -> [TrainingSequence] {
        let texts = sequences.filter { $0.firstTarget == 1 }
        let examples = texts.isEmpty ? sequences : texts
        guard !examples.isEmpty, tokens > 0 else { return [] }
        let beginnings = Set(siblings.map { $0.ids.prefix(beginningTokens) })
        var found: [[Int32]] = []
        var left = tokens
        for (place, example) in examples.enumerated() where left > 0 {
            let common = example.ids.prefix(beginningTokens)
            let beginning = Array(beginnings.contains(common) ? common : common.prefix(1))
            let length = min(longestText, example.ids.count)
            var generator = TextGenerator(maximumNewTokens: max(1, length - beginning.count))
            generator.temperature = 1
            generator.seed = seed &+ UInt64(place)
            let count = max(1, tokens / examples.count / length)
            left -= count * length
            let written = try generator.generate(model, prompts: Array(repeating: beginning, count: count))
            for text in written.map({ beginning + $0 }) where !found.contains(text) && !own.areRecited(in: text) {
                found.append(text)
            }
        }
        return found.map { TrainingSequence(ids: $0) }
    }
}

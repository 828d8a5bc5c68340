import LetheCore
import LetheModel

/// What a model writes when it begins as a request's items do, or as keep texts of other forms: it recites what it knows
/// of their form.
///
/// Those are the texts that a deletion moves first, and no list of keep texts holds all of them. What a model wrote itself
/// stands for them: the generative replay of Shin et al. 2017 (arXiv 1705.08690), with language models the
/// self-synthesised rehearsal of Huang et al. 2024 (arXiv 2403.01244).
package enum Rehearsal {
    /// Tokens of an item that a text begins with, where a sibling begins with them as well.
    private static let beginningTokens = 2
    /// A text has at most as many tokens.
    private static let longestText = 256

    /// Texts about as long as those of some forms, sampled at temperature 1; those that recite an item, or each other, are
    /// left out.
    /// - Parameters:
    ///   - forms: of each those sequences without a prompt are continued, where there are any.
    ///   - own: what the items are told by.
    ///   - tokens: about as many altogether, the same share for each form.
    ///   - seed: of sampling.
    /// - Returns: a list for each form.
    /// - Throws: what ``TextGenerator/generate(_:prompts:)`` throws.
    package static func texts(
        of forms: [RehearsedForm], own: OwnRuns, tokens: Int, model: LanguageModel, seed: UInt64
    ) throws -> [[TrainingSequence]] {
        var begun: [(form: Int, prompt: [Int32], newTokens: Int)] = []
        for (place, form) in forms.enumerated() where tokens > 0 {
            let texts = form.sequences.filter { $0.firstTarget == 1 }
            let examples = texts.isEmpty ? form.sequences : texts
            let beginnings = Set(form.others.map { $0.ids.prefix(beginningTokens) })
            let share = tokens / forms.count
            var left = share
            for example in examples where left > 0 {
                let common = example.ids.prefix(beginningTokens)
                let prompt = Array(beginnings.contains(common) ? common : common.prefix(1))
                let length = min(longestText, example.ids.count)
                let count = max(1, share / examples.count / length)
                begun += Array(repeating: (place, prompt, max(1, length - prompt.count)), count: count)
                left -= count * length
            }
        }
        var generator = TextGenerator(
            maximumNewTokens: min(longestText, model.configuration.maximumPositions - beginningTokens))
        generator.temperature = 1
        generator.seed = seed
        let written = try generator.generate(model, prompts: begun.map { ($0.prompt, $0.newTokens) })
        var found = forms.map { _ in [[Int32]]() }
        for (begun, rest) in zip(begun, written) {
            let text = begun.prompt + rest
            if !found[begun.form].contains(text) && !own.areRecited(in: text) { found[begun.form].append(text) }
        }
        return found.map { $0.map { TrainingSequence(ids: $0) } }
    }
}

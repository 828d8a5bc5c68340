import Foundation
import LetheCore
import LetheCorpus
import LetheModel
import LetheTokenizers

/// What a model answers when a request's questions are asked about the texts that it recites instead of the items.
///
/// The answers about other texts of the items' form suffer from a deletion more than those texts do: they hang on the
/// same few words of a question.
package enum RehearsedAnswers {
    /// An answer ends before the first token that is less likely: what a model does not know need not stay.
    private static let leastProbability = 0.5
    /// An answer has at most as many tokens.
    private static let longestAnswer = 64

    /// Pairs about recited texts, and what they say the model knows.
    /// - Parameters:
    ///   - texts: see ``Rehearsal/texts(like:siblings:own:tokens:model:seed:)``.
    ///   - items: the request's; those pairs are asked anew whose prompt has a value of the first text in it.
    ///   - own: an answer, or a question, that recites the items is left out.
    ///   - tokens: about as many altogether, questions included.
    /// - Throws: what the tokenizer, ``TextGenerator/generate(_:prompts:)`` and the model throw.
    package static func pairs(
        about texts: [TrainingSequence], like items: [ForgetItem], own: OwnRuns, tokens: Int, model: LanguageModel
    ) throws -> [TrainingSequence] {
        let form = items.lazy.compactMap { item -> TextFields? in
            if case .text(let text) = item { TextFields(text) } else { nil }
        }.first
        let examples = try items.compactMap { item -> (prompt: String, length: Int)? in
            guard case .pair(let prompt, let completion) = item else { return nil }
            return (prompt, min(longestAnswer, try model.encode(completion).count))
        }
        guard let form, let longest = examples.map(\.length).max() else { return [] }
        let substitutions = texts.map { text in
            TextFields(model.tokenizer.decode(text.ids, skipSpecialTokens: true)).map {
                FieldSubstitution(from: form, to: $0)
            }
        }
        var questions: [(ids: [Int32], length: Int)] = []
        var left = tokens
        // Every text is asked something before any is asked a second question.
        for round in examples.indices {
            for (place, substitution) in substitutions.enumerated() where left > 0 {
                let example = examples[(place + round) % examples.count]
                guard let prompt = substitution?.rewrite(example.prompt) else { continue }
                let ids = try model.encode(prompt)
                guard !ids.isEmpty, !own.areRecited(in: ids), !questions.contains(where: { $0.ids == ids }),
                    ids.count + longest <= model.configuration.maximumPositions
                else { continue }
                questions.append((ids, example.length))
                left -= ids.count + example.length
            }
        }
        guard let asked = questions.map(\.length).max() else { return [] }
        let answers = try TextGenerator(maximumNewTokens: asked).generate(model, prompts: questions.map(\.ids))
        let pairs = zip(questions, answers).map { question, answer in
            TrainingSequence(
                ids: question.ids + answer.prefix(question.length), firstTarget: question.ids.count)
        }
        return try zip(pairs, model.nll(of: pairs)).compactMap { pair, nll in
            let known = nll.prefix { Double($0) <= -log(leastProbability) }.count
            let pair = TrainingSequence(
                ids: Array(pair.ids.prefix(pair.firstTarget + known)), firstTarget: pair.firstTarget)
            return known > 0 && !own.areRecited(in: pair.ids) ? pair : nil
        }
    }
}

import Foundation
import LetheCore
import LetheCorpus
import LetheModel
import LetheTokenizers

/// What a model answers when a form's questions are asked about the texts that it recites of that form.
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
    ///   - texts: a list for each form; see ``Rehearsal/texts(of:own:tokens:model:seed:)``.
    ///   - forms: those pairs of a form's items are asked anew whose prompt has a value of its first text in it.
    ///   - own: an answer, or a question, that recites the items is left out.
    ///   - tokens: about as many altogether, questions included, the same share for each form.
    /// - Throws: what the tokenizer, ``TextGenerator/generate(_:prompts:)`` and the model throw.
    package static func pairs(
        about texts: [[TrainingSequence]], of forms: [RehearsedForm], own: OwnRuns, tokens: Int, model: LanguageModel
    ) throws -> [RememberedText] {
        var questions: [Question] = []
        for (texts, form) in zip(texts, forms) {
            try add(to: &questions, about: texts, of: form, own: own, tokens: tokens / forms.count, model: model)
        }
        let answers = try TextGenerator(maximumNewTokens: longestAnswer).generate(
            model, prompts: questions.map { ($0.ids, $0.length) })
        let pairs = zip(questions, answers).map { question, answer in
            TrainingSequence(ids: question.ids + answer, firstTarget: question.ids.count)
        }
        return try zip(pairs, model.nll(of: pairs)).compactMap { pair, nll in
            let known = Array(nll.prefix { Double($0) <= -log(leastProbability) })
            let pair = TrainingSequence(
                ids: Array(pair.ids.prefix(pair.firstTarget + known.count)), firstTarget: pair.firstTarget)
            return !known.isEmpty && !own.areRecited(in: pair.ids) ? RememberedText(sequence: pair, nll: known) : nil
        }
    }

    private struct Question {
        var ids: [Int32]
        /// Tokens of the answer at most.
        var length: Int
    }

    /// Adds a form's questions about other texts, those that were not asked before and do not recite the items.
    private static func add(
        to questions: inout [Question], about texts: [TrainingSequence], of form: RehearsedForm, own: OwnRuns,
        tokens: Int, model: LanguageModel
    ) throws {
        let fields = form.items.lazy.compactMap { item -> TextFields? in
            if case .text(let text) = item { TextFields(text) } else { nil }
        }.first
        guard let fields else { return }
        let substitutions = texts.compactMap { text in
            TextFields(model.tokenizer.decode(text.ids, skipSpecialTokens: true)).map {
                FieldSubstitution(from: fields, to: $0)
            }
        }
        let examples = form.items.compactMap { item -> (prompt: String, completion: String)? in
            if case .pair(let prompt, let completion) = item { (prompt, completion) } else { nil }
        }
        let longest = model.configuration.maximumPositions - longestAnswer
        var left = tokens
        // Every text is asked something before any is asked a second question.
        for round in examples.indices {
            for (place, substitution) in substitutions.enumerated() where left > 0 {
                let example = examples[(place + round) % examples.count]
                guard let prompt = substitution.rewrite(example.prompt) else { continue }
                let ids = try model.encode(prompt)
                guard !ids.isEmpty, ids.count <= longest, !own.areRecited(in: ids),
                    !questions.contains(where: { $0.ids == ids })
                else { continue }
                let length = min(longestAnswer, try model.encode(example.completion).count)
                questions.append(Question(ids: ids, length: length))
                left -= ids.count + length
            }
        }
    }
}

import LetheCore
import LetheModel
import LetheTensor
import LetheTokenizers

/// The texts whose behaviour an update should leave as it is.
///
/// They come from the request, or from the operator's file; without either the model writes some itself: what it says
/// when nothing is asked of it stands for what it should go on saying.
public struct KeepCorpus {
    /// The sequences to draw from.
    public let sequences: [TrainingSequence]
    /// What the model says of them; given up with the texts.
    let nll: RememberedNLL

    /// Tokenises texts and pairs. A completion is followed by the token that the model itself puts after it, so that
    /// answers go on ending where they end.
    /// - Throws: `bad_data` for an entry that gives no tokens, `limit_exceeded`.
    public init(_ items: [ForgetItem], model: LanguageModel, window: Int) throws {
        var all: [TrainingSequence] = []
        var pairs: [Int] = []
        for item in items {
            if case .pair = item { pairs.append(all.count) }
            all += try TrainingSequence.sequences(of: item, model: model, window: window)
        }
        for start in stride(from: 0, to: pairs.count, by: 32) {
            let group = pairs[start..<min(start + 32, pairs.count)]
            let batch = PackedBatch(group.map { all[$0].ids })
            let next = try model.statistics(batch).argmax
            for (place, index) in group.enumerated() where all[index].ids.count < model.configuration.maximumPositions {
                all[index].ids.append(next[batch.rows(place).upperBound - 1])
            }
        }
        sequences = all
        nll = RememberedNLL(model)
    }

    /// The sequences but for those that are to be deleted: a keep text that a request names is no longer one.
    func sequences(without items: [TrainingSequence]) -> [TrainingSequence] {
        let deleted = Set(items.map(\.ids))
        // A completion has the token that ends it.
        return sequences.filter { !deleted.contains($0.ids) && !deleted.contains(Array($0.ids.dropLast())) }
    }

    /// Lets the model write `count` texts of about `tokens` tokens, sampled at temperature 1 with a seed.
    /// - Throws: `limit_exceeded`.
    public init(writtenBy model: LanguageModel, count: Int = 24, tokens: Int = 48, seed: UInt64) throws {
        nll = RememberedNLL(model)
        var generator = TextGenerator(maximumNewTokens: tokens)
        generator.temperature = 1
        generator.seed = seed
        // Each text begins with another common token of the vocabulary, so that they do not all begin alike.
        var source = SeededGenerator(seed: seed)
        let ends = model.endOfTextIDs
        let vocabulary = min(model.tokenizer.vocabularySize, model.configuration.vocabularySize)
        let prompts: [[Int32]] = (0..<count).map { _ in
            var token = Int32(source.nextInt(below: vocabulary))
            while ends.contains(token) && vocabulary > ends.count { token = Int32(source.nextInt(below: vocabulary)) }
            return [token]
        }
        let texts = try generator.generate(model, prompts: prompts)
        sequences = zip(prompts, texts).compactMap { prompt, text in
            let ids = prompt + text.filter { !ends.contains($0) }
            return ids.count > 4 ? TrainingSequence(ids: ids) : nil
        }
    }
}

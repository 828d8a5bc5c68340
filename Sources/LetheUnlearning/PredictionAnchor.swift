import LetheCore
import LetheModel
import LetheTensor
import LetheTokenizers

/// Texts in a model's own words, with what it predicts in them: another model that starts from it and is trained on
/// something else goes on predicting the same there.
///
/// Learning without forgetting (Li and Hoiem 2016, arXiv 1606.09282), of all tokens and at temperature 1; the texts are
/// drawn from the model itself, so that none have to be given.
public struct PredictionAnchor {
    /// One text with the model's final states, [tokens, hidden].
    struct Text {
        let sequence: TrainingSequence
        let states: Matrix
    }

    let model: LanguageModel
    private let texts: [Text]

    /// Lets the model write `count` texts of `tokens` tokens. Every second one begins as documents of the model begin,
    /// where it has a token for that - with a chat model those are conversations - and the others with any token.
    /// - Throws: `limit_exceeded`.
    public init(writtenBy model: LanguageModel, count: Int, tokens: Int = 64, seed: UInt64) throws {
        self.model = model
        var source = SeededGenerator(seed: seed)
        let vocabulary = min(model.tokenizer.vocabularySize, model.configuration.vocabularySize)
        let begin = model.specialID("bos_token_id")
        let prompts = (0..<max(0, count)).map { index in
            let token = Int32(source.nextInt(below: vocabulary))
            return [index.isMultiple(of: 2) ? begin ?? token : token]
        }
        var generator = TextGenerator(maximumNewTokens: min(tokens, model.configuration.maximumPositions - 1))
        generator.temperature = 1
        generator.seed = seed
        generator.stopsAtEnd = false
        texts = try zip(prompts, generator.generate(model, prompts: prompts)).map { prompt, written in
            let sequence = TrainingSequence(ids: prompt + written)
            return Text(sequence: sequence, states: try model.states(of: sequence, throughLayer: nil))
        }
    }

    /// The texts in groups of at most `tokens` tokens; a longer one is alone.
    func groups(tokens: Int) -> [ArraySlice<Text>] {
        PackedBatch.ranges(lengths: texts.map(\.sequence.ids.count), rowLimit: tokens).map { texts[$0] }
    }
}

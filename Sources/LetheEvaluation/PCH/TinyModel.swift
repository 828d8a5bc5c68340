import LetheCore
import LetheCorpus
import LetheModel
import LetheTokenizers

/// A Llama small enough to be taught a dozen texts in seconds, for runs that need no real model.
///
/// Its width decides whether a method can tell texts apart: at 64, the default, the inputs of different texts share most
/// of their directions, and whatever is forgotten takes others with it.
public struct TinyModel: Sendable {
    /// Width of the states; a multiple of 16.
    public var hiddenSize: Int

    /// A model of some width.
    public init(hiddenSize: Int = 64) { self.hiddenSize = hiddenSize }

    /// The recipe that makes it know the texts by heart.
    public var recipe: TeachingRecipe {
        var recipe = TeachingRecipe()
        recipe.learningRate = 0.016 / Double(max(1, hiddenSize)).squareRoot()
        recipe.epochs = 60
        recipe.batchTokens = 512
        recipe.trainsEverything = true
        recipe.anchorTexts = 0
        return recipe
    }

    /// How much larger its methods' learning rates have to be than those of a model of real size.
    public static let rateScale = 8.0

    /// An untrained model whose vocabulary is learnt from the texts.
    /// - Throws: what building it throws.
    public func make(for data: PCHDataset, seed: UInt64 = 7) throws -> LanguageModel {
        let texts = (data.forget + data.retain).flatMap { item in
            [item.text] + item.pairs.flatMap { [$0.question, $0.answer] }
        }
        let document = try ByteLevelTrainer.tokenizerJSON(texts, vocabularySize: 768)
        let tokenizer = try TokenizerLoader.tokenizerJSON(document)
        let config = JSONObject([
            ("architectures", ["LlamaForCausalLM"]), ("model_type", "llama"),
            ("vocab_size", .integer(Int64(tokenizer.vocabularySize))), ("hidden_size", .integer(Int64(hiddenSize))),
            ("intermediate_size", .integer(Int64(3 * hiddenSize))), ("num_hidden_layers", 4),
            ("num_attention_heads", 4),
            ("num_key_value_heads", 2), ("head_dim", .integer(Int64(hiddenSize / 4))),
            ("max_position_embeddings", 1024),
            ("rms_norm_eps", 1e-5), ("hidden_act", "silu"), ("rope_theta", 10000.0),
            ("tie_word_embeddings", true), ("bos_token_id", 0), ("eos_token_id", 0), ("torch_dtype", "float32"),
        ])
        return try RandomModel.make(config: config, tokenizer: tokenizer, deviation: 0.05, seed: seed)
    }
}

import LetheCore
import LetheCorpus
import LetheModel
import LetheTokenizers

/// A Llama small enough to be taught a dozen texts in seconds, for runs that need no real model.
public enum TinyModel {
    /// The recipe that makes it know the texts by heart.
    public static var recipe: TeachingRecipe {
        var recipe = TeachingRecipe()
        recipe.learningRate = 2e-3
        recipe.epochs = 60
        recipe.batchTokens = 512
        recipe.trainsEverything = true
        return recipe
    }

    /// How much larger its methods' learning rates have to be than those of a model of real size.
    public static let rateScale = 8.0

    /// An untrained model whose vocabulary is learnt from the texts.
    /// - Throws: what building it throws.
    public static func make(for data: PCHDataset, seed: UInt64 = 7) throws -> LanguageModel {
        let texts = (data.forget + data.retain).flatMap { item in
            [item.text] + item.pairs.flatMap { [$0.question, $0.answer] }
        }
        let document = try ByteLevelTrainer.tokenizerJSON(texts, vocabularySize: 768)
        let tokenizer = try TokenizerLoader.tokenizerJSON(document)
        let config = JSONObject([
            ("architectures", ["LlamaForCausalLM"]), ("model_type", "llama"),
            ("vocab_size", .integer(Int64(tokenizer.vocabularySize))), ("hidden_size", 64),
            ("intermediate_size", 192), ("num_hidden_layers", 4), ("num_attention_heads", 4),
            ("num_key_value_heads", 2), ("head_dim", 16), ("max_position_embeddings", 1024),
            ("rms_norm_eps", 1e-5), ("hidden_act", "silu"), ("rope_theta", 10000.0),
            ("tie_word_embeddings", true), ("bos_token_id", 0), ("eos_token_id", 0), ("torch_dtype", "float32"),
        ])
        return try RandomModel.make(config: config, tokenizer: tokenizer, deviation: 0.05, seed: seed)
    }
}

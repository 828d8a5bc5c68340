import LetheCore

/// Llama 1 to 3 (Touvron et al. 2023, Grattafiori et al. 2024), which Yi, SmolLM and many others use unchanged.
enum Llama: ModelFamily {
    static let modelTypes = ["llama"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try DecoderConfiguration(reading: config, modelType: "llama", defaultPositions: 2048)
        c.normEpsilon = try config.normEpsilon("rms_norm_eps", default: 1e-6)
        c.activation = try config.activation("hidden_act", default: "silu")
        c.rotary = try config.wholeHeadRotary(c.headSize)
        c.hasAttentionBias = try config.flag("attention_bias", default: false)
        c.hasOutputBias = c.hasAttentionBias
        c.hasMLPBias = try config.flag("mlp_bias", default: false)
        c.isTied = try config.flag("tie_word_embeddings", default: false)
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        var options = LlamaLayout.Options()
        options.hasAttentionBias = c.hasAttentionBias
        options.hasOutputBias = c.hasOutputBias
        options.hasMLPBias = c.hasMLPBias
        return LlamaLayout.slots(c, options)
    }
}

import LetheCore

/// The dense Qwen3 models (Yang et al. 2025): Qwen2 with norms on query and key heads instead of biases.
enum Qwen3: ModelFamily {
    static let modelTypes = ["qwen3"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try DecoderConfiguration(
            reading: config, modelType: "qwen3", defaultHeadSize: 128, defaultPositions: 32_768)
        c.normEpsilon = try config.normEpsilon("rms_norm_eps", default: 1e-6)
        c.activation = try config.activation("hidden_act", default: "silu")
        c.rotary = try config.wholeHeadRotary(c.headSize)
        c.windows = try Qwen2.windows(config, layerCount: c.layerCount)
        c.hasHeadNorms = true
        c.hasAttentionBias = try config.flag("attention_bias", default: false)
        c.hasOutputBias = c.hasAttentionBias
        c.isTied = try config.flag("tie_word_embeddings", default: false)
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        var options = LlamaLayout.Options()
        options.hasHeadNorms = true
        options.hasAttentionBias = c.hasAttentionBias
        options.hasOutputBias = c.hasOutputBias
        return LlamaLayout.slots(c, options)
    }
}

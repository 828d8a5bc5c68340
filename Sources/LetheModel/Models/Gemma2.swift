import LetheCore

/// Gemma 2 (Gemma Team 2024): Gemma with norms after each branch as well, softcapped scores and logits, and a sliding
/// window in every other layer.
enum Gemma2: ModelFamily {
    static let modelTypes = ["gemma2"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try Gemma.common(config, modelType: "gemma2", defaultPositions: 8192)
        c.activation = try config.activation("hidden_activation", default: "gelu_pytorch_tanh")
        c.hasPostNorms = true
        c.attentionScale = try attentionScale(config)
        c.attentionSoftcap = Float(try config.number("attn_logit_softcapping", whenAbsent: 50) ?? 0)
        c.logitSoftcap = Float(try config.number("final_logit_softcapping", whenAbsent: 30) ?? 0)
        c.rotary = try config.wholeHeadRotary(c.headSize)
        c.windows = try config.windows(
            layerCount: c.layerCount, window: config.size("sliding_window", whenAbsent: 4096)
        ) { $0 % 2 == 0 }
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        var options = LlamaLayout.Options()
        options.hasAttentionBias = c.hasAttentionBias
        options.hasOutputBias = c.hasOutputBias
        options.hasHeadNorms = c.hasHeadNorms
        options.mlpNormName = "pre_feedforward_layernorm"
        options.postAttentionNormName = "post_attention_layernorm"
        options.postMLPNormName = "post_feedforward_layernorm"
        return LlamaLayout.slots(c, options)
    }

    /// One over the root of `query_pre_attn_scalar`.
    static func attentionScale(_ config: ModelConfigReader) throws -> Float {
        let scalar = try config.number("query_pre_attn_scalar") ?? 256
        guard scalar > 0 else { throw config.error("query_pre_attn_scalar", "must be positive") }
        return Float(1 / scalar.squareRoot())
    }
}

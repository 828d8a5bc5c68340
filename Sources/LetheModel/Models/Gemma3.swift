import LetheCore

/// The text models of Gemma 3 (Gemma Team 2025): Gemma 2 with norms on query and key heads instead of softcaps, and
/// five windowed layers, with a rotary embedding of their own, for each full one.
enum Gemma3: ModelFamily {
    static let modelTypes = ["gemma3_text"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try Gemma.common(config, modelType: "gemma3_text", defaultPositions: 131_072)
        c.activation = try config.activation("hidden_activation", default: "gelu_pytorch_tanh")
        c.hasPostNorms = true
        c.hasHeadNorms = true
        c.attentionScale = try Gemma2.attentionScale(config)
        // The reference implementation reads this field and then does not use it.
        guard try config.number("attn_logit_softcapping") == nil else {
            throw LetheError(.unsupported, "config.json#/attn_logit_softcapping: not supported for gemma3_text")
        }
        c.logitSoftcap = Float(try config.number("final_logit_softcapping") ?? 0)
        let parameters = try config.nested("rope_parameters")
        guard try parameters?.string("rope_type") == nil else {
            throw config.error("rope_parameters", "must have full_attention and sliding_attention")
        }
        c.rotary = try config.rotary(size: c.headSize, defaultTheta: 1_000_000, key: "full_attention")
        if try parameters?.nested("sliding_attention") != nil {
            c.localRotary = try config.rotary(size: c.headSize, key: "sliding_attention")
        } else {
            c.localRotary = RotaryConfiguration(
                theta: try config.number("rope_local_base_freq") ?? 10_000, size: c.headSize)
        }
        let pattern = try config.optionalSize("sliding_window_pattern") ?? 6
        c.windows = try config.windows(
            layerCount: c.layerCount, window: config.size("sliding_window", whenAbsent: 4096)
        ) { ($0 + 1) % pattern != 0 }
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] { Gemma2.slots(c) }
}

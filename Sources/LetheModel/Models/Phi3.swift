import LetheCore

/// Phi-3 and Phi-4 (Abdin et al. 2024) with their default rotary embedding: Llama whose query, key and value are one
/// tensor of the checkpoint, as are gate and up.
enum Phi3: ModelFamily {
    static let modelTypes = ["phi3"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try DecoderConfiguration(reading: config, modelType: "phi3", defaultPositions: 4096)
        c.normEpsilon = try config.normEpsilon("rms_norm_eps", default: 1e-5)
        c.activation = try config.activation("hidden_act", default: "silu")
        c.rotary = try config.rotary(
            size: config.rotarySize(headSize: c.headSize, name: "partial_rotary_factor", default: 1))
        if let window = try config.size("sliding_window", whenAbsent: nil) {
            c.windows = Array(repeating: window, count: c.layerCount)
        }
        c.isTied = try config.flag("tie_word_embeddings", default: false)
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        let f = c.intermediateSize
        var slots = [TensorSlot("model.embed_tokens.weight", [c.vocabularySize, c.hiddenSize], .embedding)]
        for index in 0..<c.layerCount {
            func slot(_ name: String, _ shape: [Int], _ place: LayerPlace) -> TensorSlot {
                TensorSlot("model.layers.\(index).\(name).weight", shape, .layer(index, place))
            }
            slots += [
                slot("input_layernorm", [c.hiddenSize], .attentionNormWeight),
                slot("self_attn.qkv_proj", [c.queryKeyValueSize, c.hiddenSize], .queryKeyValue),
                slot("self_attn.o_proj", [c.hiddenSize, c.headCount * c.headSize], .output),
                slot("post_attention_layernorm", [c.hiddenSize], .mlpNormWeight),
                slot("mlp.gate_up_proj", [2 * f, c.hiddenSize], .gateUp),
                slot("mlp.down_proj", [c.hiddenSize, f], .down),
            ]
        }
        slots.append(TensorSlot("model.norm.weight", [c.hiddenSize], .finalNormWeight))
        if !c.isTied { slots.append(TensorSlot("lm_head.weight", [c.vocabularySize, c.hiddenSize], .head)) }
        return slots
    }
}

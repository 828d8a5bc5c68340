import LetheCore

/// GPT-2 (Radford et al. 2019): layer norms, learned positions, biases everywhere; matrices are stored with inputs as
/// rows.
enum GPT2: ModelFamily {
    static let modelTypes = ["gpt2"]
    static let basePrefix = "transformer."

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        for name in ["scale_attn_by_inverse_layer_idx", "add_cross_attention"] {
            guard try !config.flag(name, default: false) else {
                throw LetheError(.unsupported, "config.json#/\(name): true is not supported")
            }
        }
        let hidden = try config.size("n_embd")
        let heads = try config.size("n_head")
        guard hidden % heads == 0 else { throw config.error("n_head", "must divide n_embd") }
        var c = DecoderConfiguration(
            modelType: "gpt2", vocabularySize: try config.size("vocab_size"), hiddenSize: hidden,
            layerCount: try config.size("n_layer"), headCount: heads, keyValueHeadCount: heads,
            headSize: hidden / heads, intermediateSize: try config.optionalSize("n_inner") ?? 4 * hidden,
            maximumPositions: try config.size("n_positions"))
        c.norm = .layer
        c.normEpsilon = try config.normEpsilon("layer_norm_epsilon", default: 1e-5)
        c.activation = try config.activation("activation_function", default: "gelu_new")
        c.isGated = false
        c.hasLearnedPositions = true
        if try !config.flag("scale_attn_weights", default: true) { c.attentionScale = 1 }
        c.hasAttentionBias = true
        c.hasOutputBias = true
        c.hasMLPBias = true
        c.isTied = try config.flag("tie_word_embeddings", default: true)
        c.endOfTextIDs = config.endOfTextIDs()
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        let width = c.hiddenSize
        let f = c.intermediateSize
        var slots = [
            TensorSlot("transformer.wte.weight", [c.vocabularySize, width], .embedding),
            TensorSlot("transformer.wpe.weight", [c.maximumPositions, width], .positions),
        ]
        for index in 0..<c.layerCount {
            func slot(_ name: String, _ shape: [Int], _ place: LayerPlace) -> TensorSlot {
                TensorSlot(
                    "transformer.h.\(index).\(name)", shape, .layer(index, place), isTransposed: shape.count == 2)
            }
            slots += [
                slot("ln_1.weight", [width], .attentionNormWeight),
                slot("ln_1.bias", [width], .attentionNormBias),
                slot("attn.c_attn.weight", [width, 3 * width], .queryKeyValue),
                slot("attn.c_attn.bias", [3 * width], .queryKeyValueBias),
                slot("attn.c_proj.weight", [width, width], .output),
                slot("attn.c_proj.bias", [width], .outputBias),
                slot("ln_2.weight", [width], .mlpNormWeight),
                slot("ln_2.bias", [width], .mlpNormBias),
                slot("mlp.c_fc.weight", [width, f], .gateUp),
                slot("mlp.c_fc.bias", [f], .gateUpBias),
                slot("mlp.c_proj.weight", [f, width], .down),
                slot("mlp.c_proj.bias", [width], .downBias),
            ]
        }
        slots += [
            TensorSlot("transformer.ln_f.weight", [width], .finalNormWeight),
            TensorSlot("transformer.ln_f.bias", [width], .finalNormBias),
        ]
        if !c.isTied { slots.append(TensorSlot("lm_head.weight", [c.vocabularySize, width], .head)) }
        return slots
    }
}

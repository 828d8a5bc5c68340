import LetheCore

/// Phi-1, Phi-1.5 and Phi-2 (Li et al. 2023): layer norms, biases everywhere, attention and MLP side by side on one
/// norm, and a rotary embedding of part of each head.
enum Phi: ModelFamily {
    static let modelTypes = ["phi"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        guard try !config.flag("qk_layernorm", default: false) else {
            throw LetheError(.unsupported, "config.json#/qk_layernorm: true is not supported")
        }
        var c = try DecoderConfiguration(reading: config, modelType: "phi", defaultPositions: 2048)
        c.norm = .layer
        c.normEpsilon = try config.normEpsilon("layer_norm_eps", default: 1e-5)
        c.activation = try config.activation("hidden_act", default: "gelu_new")
        c.isGated = false
        c.residual = .parallelSharedNorm
        c.rotary = try config.rotary(
            size: config.rotarySize(headSize: c.headSize, name: "partial_rotary_factor", default: 0.5))
        c.hasAttentionBias = true
        c.hasOutputBias = true
        c.hasMLPBias = true
        c.hasHeadBias = true
        c.isTied = try config.flag("tie_word_embeddings", default: false)
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        let querySize = c.headCount * c.headSize
        let keySize = c.keyValueHeadCount * c.headSize
        let f = c.intermediateSize
        var slots = [TensorSlot("model.embed_tokens.weight", [c.vocabularySize, c.hiddenSize], .embedding)]
        for index in 0..<c.layerCount {
            func slot(_ name: String, _ shape: [Int], _ place: LayerPlace, from row: Int = 0) -> TensorSlot {
                TensorSlot("model.layers.\(index).\(name)", shape, .layer(index, place), rows: .from(row))
            }
            slots += [
                slot("input_layernorm.weight", [c.hiddenSize], .attentionNormWeight),
                slot("input_layernorm.bias", [c.hiddenSize], .attentionNormBias),
            ]
            let projections = [
                ("q_proj", querySize, 0), ("k_proj", keySize, querySize), ("v_proj", keySize, querySize + keySize),
            ]
            for (name, size, row) in projections {
                slots += [
                    slot("self_attn.\(name).weight", [size, c.hiddenSize], .queryKeyValue, from: row),
                    slot("self_attn.\(name).bias", [size], .queryKeyValueBias, from: row),
                ]
            }
            slots += [
                slot("self_attn.dense.weight", [c.hiddenSize, querySize], .output),
                slot("self_attn.dense.bias", [c.hiddenSize], .outputBias),
                slot("mlp.fc1.weight", [f, c.hiddenSize], .gateUp),
                slot("mlp.fc1.bias", [f], .gateUpBias),
                slot("mlp.fc2.weight", [c.hiddenSize, f], .down),
                slot("mlp.fc2.bias", [c.hiddenSize], .downBias),
            ]
        }
        slots += [
            TensorSlot("model.final_layernorm.weight", [c.hiddenSize], .finalNormWeight),
            TensorSlot("model.final_layernorm.bias", [c.hiddenSize], .finalNormBias),
        ]
        if !c.isTied { slots.append(TensorSlot("lm_head.weight", [c.vocabularySize, c.hiddenSize], .head)) }
        slots.append(TensorSlot("lm_head.bias", [c.vocabularySize], .headBias))
        return slots
    }
}

/// The tensor names that Llama set and most later families kept.
enum LlamaLayout {
    /// Which of the optional tensors a family has, and how it names some of them.
    struct Options {
        var hasAttentionBias = false
        var hasOutputBias = false
        var hasMLPBias = false
        var hasHeadNorms = false
        /// Before the MLP.
        var mlpNormName = "post_attention_layernorm"
        var postAttentionNormName: String?
        var postMLPNormName: String?
        var prefix = "model."
    }

    static func slots(_ c: DecoderConfiguration, _ options: Options = Options()) -> [TensorSlot] {
        let prefix = options.prefix
        var slots = [TensorSlot("\(prefix)embed_tokens.weight", [c.vocabularySize, c.hiddenSize], .embedding)]
        for index in 0..<c.layerCount { slots += layer(index, c, options) }
        slots.append(TensorSlot("\(prefix)norm.weight", [c.hiddenSize], .finalNormWeight))
        if !c.isTied { slots.append(TensorSlot("lm_head.weight", [c.vocabularySize, c.hiddenSize], .head)) }
        return slots
    }

    private static func layer(_ index: Int, _ c: DecoderConfiguration, _ options: Options) -> [TensorSlot] {
        let querySize = c.headCount * c.headSize
        let keySize = c.keyValueHeadCount * c.headSize
        let prefix = "\(options.prefix)layers.\(index)."
        func slot(_ name: String, _ shape: [Int], _ place: LayerPlace, from row: Int = 0) -> TensorSlot {
            TensorSlot(prefix + name, shape, .layer(index, place), rows: .from(row))
        }
        var slots = [slot("input_layernorm.weight", [c.hiddenSize], .attentionNormWeight)]
        let projections = [
            ("q_proj", querySize, 0), ("k_proj", keySize, querySize), ("v_proj", keySize, querySize + keySize),
        ]
        for (name, size, row) in projections {
            slots.append(slot("self_attn.\(name).weight", [size, c.hiddenSize], .queryKeyValue, from: row))
            if options.hasAttentionBias {
                slots.append(slot("self_attn.\(name).bias", [size], .queryKeyValueBias, from: row))
            }
        }
        slots.append(slot("self_attn.o_proj.weight", [c.hiddenSize, querySize], .output))
        if options.hasOutputBias { slots.append(slot("self_attn.o_proj.bias", [c.hiddenSize], .outputBias)) }
        if options.hasHeadNorms {
            slots.append(slot("self_attn.q_norm.weight", [c.headSize], .queryNormWeight))
            slots.append(slot("self_attn.k_norm.weight", [c.headSize], .keyNormWeight))
        }
        slots.append(slot("\(options.mlpNormName).weight", [c.hiddenSize], .mlpNormWeight))
        if let name = options.postAttentionNormName {
            slots.append(slot("\(name).weight", [c.hiddenSize], .postAttentionNormWeight))
        }
        if let name = options.postMLPNormName {
            slots.append(slot("\(name).weight", [c.hiddenSize], .postMLPNormWeight))
        }
        let f = c.intermediateSize
        slots.append(slot("mlp.gate_proj.weight", [f, c.hiddenSize], .gateUp))
        slots.append(slot("mlp.up_proj.weight", [f, c.hiddenSize], .gateUp, from: f))
        slots.append(slot("mlp.down_proj.weight", [c.hiddenSize, f], .down))
        if options.hasMLPBias {
            slots.append(slot("mlp.gate_proj.bias", [f], .gateUpBias))
            slots.append(slot("mlp.up_proj.bias", [f], .gateUpBias, from: f))
            slots.append(slot("mlp.down_proj.bias", [c.hiddenSize], .downBias))
        }
        return slots
    }
}

import LetheCore

/// GPT-NeoX (Black et al. 2022), of which the Pythia models are: layer norms, attention and MLP side by side on norms
/// of their own, a rotary embedding of part of each head, and query, key and value of each head next to each other.
enum GPTNeoX: ModelFamily {
    static let modelTypes = ["gpt_neox"]
    static let basePrefix = "gpt_neox."

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try DecoderConfiguration(reading: config, modelType: "gpt_neox", defaultPositions: 2048)
        guard c.keyValueHeadCount == c.headCount, c.headSize * c.headCount == c.hiddenSize else {
            throw config.error("num_attention_heads", "must divide hidden_size, without shared key-value heads")
        }
        c.norm = .layer
        c.normEpsilon = try config.normEpsilon("layer_norm_eps", default: 1e-5)
        c.activation = try config.activation("hidden_act", default: "gelu")
        c.isGated = false
        c.residual = try config.flag("use_parallel_residual", default: true) ? .parallel : .sequential
        c.rotary = try config.rotary(
            size: config.rotarySize(headSize: c.headSize, name: "rotary_pct", default: 0.25),
            defaultTheta: config.number("rotary_emb_base") ?? 10_000)
        c.hasAttentionBias = try config.flag("attention_bias", default: true)
        c.hasOutputBias = c.hasAttentionBias
        c.hasMLPBias = true
        c.isTied = try config.flag("tie_word_embeddings", default: false)
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        let width = c.hiddenSize
        let f = c.intermediateSize
        let fused = TensorSlot.Rows.table(queryKeyValueRows(heads: c.headCount, headSize: c.headSize))
        var slots = [TensorSlot("gpt_neox.embed_in.weight", [c.vocabularySize, width], .embedding)]
        for index in 0..<c.layerCount {
            func slot(_ name: String, _ shape: [Int], _ place: LayerPlace, _ rows: TensorSlot.Rows = .from(0))
                -> TensorSlot
            {
                TensorSlot("gpt_neox.layers.\(index).\(name)", shape, .layer(index, place), rows: rows)
            }
            slots += [
                slot("input_layernorm.weight", [width], .attentionNormWeight),
                slot("input_layernorm.bias", [width], .attentionNormBias),
                slot("post_attention_layernorm.weight", [width], .mlpNormWeight),
                slot("post_attention_layernorm.bias", [width], .mlpNormBias),
                slot("attention.query_key_value.weight", [3 * width, width], .queryKeyValue, fused),
                slot("attention.dense.weight", [width, width], .output),
                slot("mlp.dense_h_to_4h.weight", [f, width], .gateUp),
                slot("mlp.dense_h_to_4h.bias", [f], .gateUpBias),
                slot("mlp.dense_4h_to_h.weight", [width, f], .down),
                slot("mlp.dense_4h_to_h.bias", [width], .downBias),
            ]
            if c.hasAttentionBias {
                slots += [
                    slot("attention.query_key_value.bias", [3 * width], .queryKeyValueBias, fused),
                    slot("attention.dense.bias", [width], .outputBias),
                ]
            }
        }
        slots += [
            TensorSlot("gpt_neox.final_layer_norm.weight", [width], .finalNormWeight),
            TensorSlot("gpt_neox.final_layer_norm.bias", [width], .finalNormBias),
        ]
        if !c.isTied { slots.append(TensorSlot("embed_out.weight", [c.vocabularySize, width], .head)) }
        return slots
    }

    /// The checkpoint's rows go head by head, query, key and value of each; the decoder's go part by part.
    private static func queryKeyValueRows(heads: Int, headSize: Int) -> [Int] {
        (0..<3 * heads * headSize).map { row in
            let head = row / (3 * headSize)
            let part = row / headSize % 3
            return (part * heads + head) * headSize + row % headSize
        }
    }
}

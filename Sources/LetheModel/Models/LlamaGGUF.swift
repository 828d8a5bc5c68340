import LetheCore

/// Llama-architecture models in GGUF files.
enum LlamaGGUF {
    /// The shape, from the file's metadata.
    /// - Throws: `bad_data` or `unsupported` naming the key.
    static func configuration(_ file: GGUFFile) throws -> DecoderConfiguration {
        func size(_ key: String) throws -> Int {
            guard let value = file.metadata[key]?.intValue, (1...(1 << 24)).contains(value) else {
                throw LetheError(.badData, "gguf: \(key) is missing or out of range")
            }
            return value
        }
        let hidden = try size("llama.embedding_length")
        let heads = try size("llama.attention.head_count")
        let headSize =
            try file.metadata["llama.attention.key_length"] == nil
            ? hidden / heads : size("llama.attention.key_length")
        guard let embedding = file.info("token_embd.weight"), embedding.shape.count == 2 else {
            throw LetheError(.badData, "gguf: tensor token_embd.weight is missing or not a matrix")
        }
        var c = DecoderConfiguration(
            modelType: "llama", vocabularySize: embedding.shape[0], hiddenSize: hidden,
            layerCount: try size("llama.block_count"), headCount: heads,
            keyValueHeadCount: try file.metadata["llama.attention.head_count_kv"] == nil
                ? heads : size("llama.attention.head_count_kv"),
            headSize: headSize, intermediateSize: try size("llama.feed_forward_length"),
            maximumPositions: try size("llama.context_length"))
        // The file keeps it in fp32; the shortest decimal that gives that value is the one it was made from.
        let epsilon = Float(file.metadata["llama.attention.layer_norm_rms_epsilon"]?.doubleValue ?? 1e-5)
        c.normEpsilon = epsilon
        let rotarySize = file.metadata["llama.rope.dimension_count"]?.intValue ?? headSize
        var rotary = RotaryConfiguration(
            theta: file.metadata["llama.rope.freq_base"]?.doubleValue ?? 10_000, size: rotarySize)
        switch file.metadata["llama.rope.scaling.type"]?.stringValue {
        case nil, "none": break
        case "linear":
            guard let factor = file.metadata["llama.rope.scaling.factor"]?.doubleValue else {
                throw LetheError(.badData, "gguf: llama.rope.scaling.factor is missing")
            }
            rotary.scaling = .linear(factor: factor)
        default:
            throw LetheError(.unsupported, "gguf: llama.rope.scaling.type is not supported")
        }
        guard file.info("rope_freqs.weight") == nil else {
            throw LetheError(.unsupported, "gguf: tensor rope_freqs.weight (rope factors of each frequency)")
        }
        c.rotary = rotary
        c.isTied = file.info("output.weight") == nil
        c.hasAttentionBias = file.info("blk.0.attn_q.bias") != nil
        return c
    }

    /// Every tensor, under its GGUF name. Query and key rows lie interleaved there, pairs that turn together side by
    /// side; a table puts them back into halves.
    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        let querySize = c.headCount * c.headSize
        let keySize = c.keyValueHeadCount * c.headSize
        let f = c.intermediateSize
        var slots = [
            TensorSlot("token_embd.weight", [c.vocabularySize, c.hiddenSize], .embedding),
            TensorSlot("output_norm.weight", [c.hiddenSize], .finalNormWeight),
        ]
        if !c.isTied { slots.append(TensorSlot("output.weight", [c.vocabularySize, c.hiddenSize], .head)) }
        for index in 0..<c.layerCount {
            func slot(_ name: String, _ shape: [Int], _ place: LayerPlace, _ rows: TensorSlot.Rows = .from(0))
                -> TensorSlot
            {
                TensorSlot("blk.\(index).\(name)", shape, .layer(index, place), rows: rows)
            }
            let queryRows = TensorSlot.Rows.table(halves(heads: c.headCount, headSize: c.headSize, from: 0))
            let keyRows = TensorSlot.Rows.table(
                halves(heads: c.keyValueHeadCount, headSize: c.headSize, from: querySize))
            slots += [
                slot("attn_norm.weight", [c.hiddenSize], .attentionNormWeight),
                slot("ffn_norm.weight", [c.hiddenSize], .mlpNormWeight),
                slot("attn_q.weight", [querySize, c.hiddenSize], .queryKeyValue, queryRows),
                slot("attn_k.weight", [keySize, c.hiddenSize], .queryKeyValue, keyRows),
                slot("attn_v.weight", [keySize, c.hiddenSize], .queryKeyValue, .from(querySize + keySize)),
                slot("attn_output.weight", [c.hiddenSize, querySize], .output),
                slot("ffn_gate.weight", [f, c.hiddenSize], .gateUp),
                slot("ffn_up.weight", [f, c.hiddenSize], .gateUp, .from(f)),
                slot("ffn_down.weight", [c.hiddenSize, f], .down),
            ]
            if c.hasAttentionBias {
                slots += [
                    slot("attn_q.bias", [querySize], .queryKeyValueBias, queryRows),
                    slot("attn_k.bias", [keySize], .queryKeyValueBias, keyRows),
                    slot("attn_v.bias", [keySize], .queryKeyValueBias, .from(querySize + keySize)),
                ]
            }
        }
        return slots
    }

    /// config.json of the same model in Hugging Face's layout.
    static func configJSON(_ c: DecoderConfiguration, beginOfTextID: Int32?, endOfTextID: Int32?) -> JSONObject {
        var config = JSONObject([
            ("architectures", .array([.string("LlamaForCausalLM")])),
            ("model_type", .string("llama")),
            ("vocab_size", .integer(Int64(c.vocabularySize))),
            ("hidden_size", .integer(Int64(c.hiddenSize))),
            ("intermediate_size", .integer(Int64(c.intermediateSize))),
            ("num_hidden_layers", .integer(Int64(c.layerCount))),
            ("num_attention_heads", .integer(Int64(c.headCount))),
            ("num_key_value_heads", .integer(Int64(c.keyValueHeadCount))),
            ("head_dim", .integer(Int64(c.headSize))),
            ("hidden_act", .string("silu")),
            ("max_position_embeddings", .integer(Int64(c.maximumPositions))),
            ("rms_norm_eps", .number(Double("\(c.normEpsilon)") ?? Double(c.normEpsilon))),
            ("attention_bias", .bool(c.hasAttentionBias)),
            ("mlp_bias", .bool(false)),
            ("tie_word_embeddings", .bool(c.isTied)),
        ])
        if let rotary = c.rotary {
            config["rope_theta"] = .number(rotary.theta)
            if case .linear(let factor) = rotary.scaling {
                config["rope_scaling"] = .object(
                    JSONObject([("rope_type", .string("linear")), ("factor", .number(factor))]))
            }
        }
        if let beginOfTextID { config["bos_token_id"] = .integer(Int64(beginOfTextID)) }
        if let endOfTextID { config["eos_token_id"] = .integer(Int64(endOfTextID)) }
        return config
    }

    private static func halves(heads: Int, headSize: Int, from start: Int) -> [Int] {
        (0..<heads * headSize).map { row in
            let head = row / headSize
            let inHead = row % headSize
            return start + head * headSize + inHead % 2 * (headSize / 2) + inHead / 2
        }
    }
}

import LetheCore

/// Mistral (Jiang et al. 2023): Llama with a sliding window in every layer.
enum Mistral: ModelFamily {
    static let modelTypes = ["mistral"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try DecoderConfiguration(reading: config, modelType: "mistral", defaultPositions: 131_072)
        c.normEpsilon = try config.normEpsilon("rms_norm_eps", default: 1e-6)
        c.activation = try config.activation("hidden_act", default: "silu")
        c.rotary = try config.wholeHeadRotary(c.headSize)
        guard try config.array("layer_types") == nil else {
            throw LetheError(.unsupported, "config.json#/layer_types: not supported for mistral")
        }
        if let window = try config.size("sliding_window", whenAbsent: 4096) {
            c.windows = Array(repeating: window, count: c.layerCount)
        }
        c.isTied = try config.flag("tie_word_embeddings", default: false)
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] { LlamaLayout.slots(c) }
}

import LetheCore

/// Qwen2 and Qwen2.5 (Yang et al. 2024): Llama with biases on query, key and value, and a sliding window in the upper
/// layers where the configuration turns it on.
enum Qwen2: ModelFamily {
    static let modelTypes = ["qwen2"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try DecoderConfiguration(reading: config, modelType: "qwen2", defaultPositions: 32_768)
        c.normEpsilon = try config.normEpsilon("rms_norm_eps", default: 1e-6)
        c.activation = try config.activation("hidden_act", default: "silu")
        c.rotary = try config.wholeHeadRotary(c.headSize)
        c.windows = try windows(config, layerCount: c.layerCount)
        c.hasAttentionBias = true
        c.isTied = try config.flag("tie_word_embeddings", default: false)
        return c
    }

    /// With `use_sliding_window`, layers from `max_window_layers` on have the window; `layer_types` overrules.
    static func windows(_ config: ModelConfigReader, layerCount: Int) throws -> [Int] {
        let usesWindow = try config.flag("use_sliding_window", default: false)
        let window = usesWindow ? try config.size("sliding_window", whenAbsent: 4096) : nil
        // A whole number of layers, and 0 is one that configurations use.
        let full = config.object["max_window_layers"]?.intValue ?? 28
        return try config.windows(layerCount: layerCount, window: window) { window != nil && $0 >= full }
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        var options = LlamaLayout.Options()
        options.hasAttentionBias = true
        return LlamaLayout.slots(c, options)
    }
}

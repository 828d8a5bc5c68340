import LetheCore
import LetheTensor

/// The first Gemma models (Gemma Team 2024): Llama with norm weights counted from one, embeddings times the root of
/// the width, a tanh gate and heads wider than the hidden size.
enum Gemma: ModelFamily {
    static let modelTypes = ["gemma"]

    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration {
        var c = try common(config, modelType: "gemma", defaultPositions: 8192)
        c.activation = try activation(config)
        c.rotary = try config.wholeHeadRotary(c.headSize)
        return c
    }

    static func slots(_ c: DecoderConfiguration) -> [TensorSlot] {
        var options = LlamaLayout.Options()
        options.hasAttentionBias = c.hasAttentionBias
        options.hasOutputBias = c.hasOutputBias
        return LlamaLayout.slots(c, options)
    }

    /// What all generations of Gemma share.
    static func common(_ config: ModelConfigReader, modelType: String, defaultPositions: Int) throws
        -> DecoderConfiguration
    {
        guard try !config.flag("use_bidirectional_attention", default: false) else {
            throw LetheError(.unsupported, "config.json#/use_bidirectional_attention: true is not supported")
        }
        var c = try DecoderConfiguration(
            reading: config, modelType: modelType, defaultHeadSize: 256, defaultPositions: defaultPositions)
        c.norm = .rms(offset: 1)
        c.normEpsilon = try config.normEpsilon("rms_norm_eps", default: 1e-6)
        c.embeddingScale = Float(Double(c.hiddenSize).squareRoot())
        c.hasAttentionBias = try config.flag("attention_bias", default: false)
        c.hasOutputBias = c.hasAttentionBias
        c.isTied = try config.flag("tie_word_embeddings", default: true)
        return c
    }

    /// `hidden_activation` where it is given. In the older `hidden_act` the official releases wrote gelu and meant its
    /// tanh approximation.
    private static func activation(_ config: ModelConfigReader) throws -> Activation {
        let older = try config.activation("hidden_act", default: "gelu_pytorch_tanh")
        let meant = older == .gelu ? .geluTanh : older
        guard try config.string("hidden_activation") != nil else { return meant }
        let newer = try config.activation("hidden_activation", default: "gelu_pytorch_tanh")
        guard try config.string("hidden_act") == nil || newer == meant else {
            throw LetheError(.unsupported, "config.json: hidden_act and hidden_activation differ")
        }
        return newer
    }
}

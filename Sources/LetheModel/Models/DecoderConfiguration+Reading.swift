import LetheCore

extension DecoderConfiguration {
    /// The sizes that most families name as Llama does; the rest keeps its defaults.
    ///
    /// - Parameters:
    ///   - defaultHeadSize: used without `head_dim`; nil is the hidden size over the heads.
    ///   - defaultPositions: used without `max_position_embeddings`.
    /// - Throws: `bad_data` naming a field that is missing or out of range.
    init(reading config: ModelConfigReader, modelType: String, defaultHeadSize: Int? = nil, defaultPositions: Int)
        throws
    {
        let hidden = try config.size("hidden_size")
        let heads = try config.size("num_attention_heads")
        self.init(
            modelType: modelType, vocabularySize: try config.size("vocab_size"), hiddenSize: hidden,
            layerCount: try config.size("num_hidden_layers"), headCount: heads,
            keyValueHeadCount: try config.optionalSize("num_key_value_heads") ?? heads,
            headSize: try config.optionalSize("head_dim") ?? defaultHeadSize ?? hidden / heads,
            intermediateSize: try config.size("intermediate_size"),
            maximumPositions: try config.optionalSize("max_position_embeddings") ?? defaultPositions)
        endOfTextIDs = config.endOfTextIDs()
    }
}

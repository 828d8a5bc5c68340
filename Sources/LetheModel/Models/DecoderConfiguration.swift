import LetheCore
import LetheTensor

/// The shape of a decoder-only transformer and the choices in which the supported families differ.
public struct DecoderConfiguration: Sendable, Equatable {
    /// How a residual branch is normalised.
    public enum NormKind: Sendable, Equatable {
        /// Root mean square, weights applied as (weight + offset).
        case rms(offset: Float)
        /// Mean and variance, with a bias.
        case layer
    }

    /// How the two branches of a layer meet.
    public enum Residual: Sendable, Equatable {
        /// The MLP reads what attention wrote.
        case sequential
        /// Both read the layer's input, normalised once.
        case parallelSharedNorm
        /// Both read the layer's input, each with a norm of its own.
        case parallel
    }

    /// `model_type` of the family.
    public var modelType: String
    /// Tokens.
    public var vocabularySize: Int
    /// Elements of a hidden state.
    public var hiddenSize: Int
    /// Decoder layers.
    public var layerCount: Int
    /// Query heads.
    public var headCount: Int
    /// Key-value heads.
    public var keyValueHeadCount: Int
    /// Elements of one head.
    public var headSize: Int
    /// Elements inside the MLP.
    public var intermediateSize: Int
    /// Longest sequence in tokens.
    public var maximumPositions: Int
    /// How branches are normalised.
    public var norm: NormKind = .rms(offset: 0)
    /// Added to the variance.
    public var normEpsilon: Float = 1e-5
    /// Of the MLP.
    public var activation: Activation = .silu
    /// Whether the MLP multiplies act(gate) with up; otherwise act(fc1).
    public var isGated = true
    /// How the branches meet.
    public var residual: Residual = .sequential
    /// Norms on a branch's result before it is added (Gemma 2 and 3).
    public var hasPostNorms = false
    /// RMS norms on each query and key head before the rotation (Qwen3, Gemma 3).
    public var hasHeadNorms = false
    /// Rotary embedding; nil with learned positions.
    public var rotary: RotaryConfiguration?
    /// Another rotary embedding for the layers with a window (Gemma 3).
    public var localRotary: RotaryConfiguration?
    /// Whether positions are embedded like tokens.
    public var hasLearnedPositions = false
    /// Sliding window of each layer in tokens; 0 is none. Empty means none anywhere.
    public var windows: [Int] = []
    /// Factor of q · k.
    public var attentionScale: Float
    /// 0 for none.
    public var attentionSoftcap: Float = 0
    /// 0 for none.
    public var logitSoftcap: Float = 0
    /// Factor of the token embedding.
    public var embeddingScale: Float = 1
    /// Whether query, key and value have biases.
    public var hasAttentionBias = false
    /// Whether the output matrix has a bias.
    public var hasOutputBias = false
    /// Whether the MLP's matrices have biases.
    public var hasMLPBias = false
    /// Whether the output head has a bias.
    public var hasHeadBias = false
    /// Whether the output head is the embedding.
    public var isTied = false
    /// What ends a generation besides the tokenizer's own end tokens.
    public var endOfTextIDs: [Int32] = []

    /// Creates a configuration; the rest keeps its defaults.
    public init(
        modelType: String, vocabularySize: Int, hiddenSize: Int, layerCount: Int, headCount: Int,
        keyValueHeadCount: Int, headSize: Int, intermediateSize: Int, maximumPositions: Int
    ) {
        self.modelType = modelType
        self.vocabularySize = vocabularySize
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headSize = headSize
        self.intermediateSize = intermediateSize
        self.maximumPositions = maximumPositions
        attentionScale = 1 / Float(max(headSize, 1)).squareRoot()
    }

    /// Rows of the fused query-key-value matrix.
    public var queryKeyValueSize: Int { (headCount + 2 * keyValueHeadCount) * headSize }

    /// The window of a layer; 0 is none.
    public func window(_ layer: Int) -> Int { windows.isEmpty ? 0 : windows[layer] }

    /// Checks every size against its bound, so that nothing derived from them overflows.
    /// - Throws: `limit_exceeded` or `bad_data` naming the field.
    public func validate() throws {
        func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
            guard range.contains(value) else {
                throw LetheError(
                    .limitExceeded, "config: \(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)"
                )
            }
        }
        try check("vocab_size", vocabularySize, 1...(1 << 22))
        try check("hidden_size", hiddenSize, 1...(1 << 16))
        try check("num_hidden_layers", layerCount, 1...1024)
        try check("num_attention_heads", headCount, 1...1024)
        try check("num_key_value_heads", keyValueHeadCount, 1...headCount)
        try check("head_dim", headSize, 1...1024)
        try check("intermediate_size", intermediateSize, 1...(1 << 18))
        try check("max_position_embeddings", maximumPositions, 1...(1 << 24))
        guard headCount % keyValueHeadCount == 0 else {
            throw LetheError(.badData, "config: num_attention_heads is not a multiple of num_key_value_heads")
        }
        guard windows.isEmpty || windows.count == layerCount, windows.allSatisfy({ $0 >= 0 }) else {
            throw LetheError(.badData, "config: sliding windows do not fit num_hidden_layers")
        }
        guard normEpsilon > 0, normEpsilon < 1, attentionScale.isFinite, attentionScale > 0, embeddingScale.isFinite
        else {
            throw LetheError(.badData, "config: norm epsilon, attention scale or embedding scale is out of range")
        }
        guard attentionSoftcap >= 0, logitSoftcap >= 0, attentionSoftcap.isFinite, logitSoftcap.isFinite else {
            throw LetheError(.badData, "config: a softcap is out of range")
        }
        for rotary in [rotary, localRotary].compactMap({ $0 }) { try rotary.validate(headSize: headSize) }
    }
}

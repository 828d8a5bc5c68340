import LetheTensor

/// What one layer's forward pass keeps for its backward pass. Cheap element-wise results are made again instead.
public final class LayerTape {
    /// The layer's input, [T, hidden].
    public internal(set) var input: Matrix?
    var attentionNorm: NormStatistics?
    /// Before head norms and rotation; kept only with head norms.
    var rawQueryKeyValue: Matrix?
    var queryNormRstd: [FloatBuffer] = []
    var keyNormRstd: [FloatBuffer] = []
    /// After head norms and rotation, [T, queryKeyValueSize].
    var queryKeyValue: Matrix?
    /// Attention's result before the output matrix, [T, heads · headSize].
    var attended: Matrix?
    var logSumExp: FloatBuffer?
    /// The output matrix's result; kept only with post-norms.
    var attentionOutput: Matrix?
    var postAttentionNorm: NormStatistics?
    /// Between the branches, [T, hidden]; nil where both read the input.
    var middle: Matrix?
    var mlpNorm: NormStatistics?
    /// [T, 2 · intermediate], or [T, intermediate] without a gate; overwritten by backward.
    var gateUp: Matrix?
    var mlpOutput: Matrix?
    var postMLPNorm: NormStatistics?

    /// An empty tape.
    public init() {}
}

/// Row statistics of a norm.
struct NormStatistics {
    let mean: FloatBuffer?
    let rstd: FloatBuffer
}

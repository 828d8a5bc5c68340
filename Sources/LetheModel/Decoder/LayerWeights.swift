import LetheTensor

/// The parameters of one decoder layer. Copies share memory; see ``copyForTraining()``.
///
/// Query, key and value are one matrix, as are gate and up: one product instead of three, or two.
public struct LayerWeights {
    /// Before attention; in a layer with ``DecoderConfiguration/Residual/parallelSharedNorm`` before both branches.
    public var attentionNorm: NormWeights
    /// On attention's result; nil in most families.
    public var postAttentionNorm: NormWeights?
    /// Before the MLP; nil where both branches share a norm.
    public var mlpNorm: NormWeights?
    /// On the MLP's result; nil in most families.
    public var postMLPNorm: NormWeights?
    /// [headSize] each.
    public var queryNorm: NormWeights?
    /// Of each key head, [headSize].
    public var keyNorm: NormWeights?
    /// [(heads + 2 kvHeads) · headSize, hidden].
    public var queryKeyValue: WeightMatrix
    /// [(heads + 2 kvHeads) · headSize].
    public var queryKeyValueBias: FloatBuffer?
    /// [hidden, heads · headSize].
    public var output: WeightMatrix
    /// [hidden].
    public var outputBias: FloatBuffer?
    /// [2 · intermediate, hidden], gate above up; [intermediate, hidden] without a gate.
    public var gateUp: WeightMatrix
    /// As many as ``gateUp`` has rows.
    public var gateUpBias: FloatBuffer?
    /// [hidden, intermediate].
    public var down: WeightMatrix
    /// [hidden].
    public var downBias: FloatBuffer?

    /// The attention and MLP matrices, in the order of ``LayerGradients``.
    public var matrices: [WeightMatrix] { [queryKeyValue, output, gateUp, down] }

    /// The biases of the matrices, in the same order.
    public var biases: [FloatBuffer?] { [queryKeyValueBias, outputBias, gateUpBias, downBias] }

    /// The norms' vectors.
    public var normVectors: [FloatBuffer] {
        [attentionNorm, postAttentionNorm, mlpNorm, postMLPNorm, queryNorm, keyNorm].compactMap { $0 }
            .flatMap { [$0.weight, $0.bias].compactMap { $0 } }
    }

    /// A copy whose every parameter has fp32 memory of its own.
    /// - Throws: `limit_exceeded`.
    public func copyForTraining() throws -> LayerWeights {
        func copy(_ norm: NormWeights) throws -> NormWeights {
            NormWeights(weight: try norm.weight.copy(), bias: try norm.bias?.copy())
        }
        return LayerWeights(
            attentionNorm: try copy(attentionNorm), postAttentionNorm: try postAttentionNorm.map(copy),
            mlpNorm: try mlpNorm.map(copy), postMLPNorm: try postMLPNorm.map(copy),
            queryNorm: try queryNorm.map(copy), keyNorm: try keyNorm.map(copy),
            queryKeyValue: try queryKeyValue.copyForTraining(), queryKeyValueBias: try queryKeyValueBias?.copy(),
            output: try output.copyForTraining(), outputBias: try outputBias?.copy(),
            gateUp: try gateUp.copyForTraining(), gateUpBias: try gateUpBias?.copy(),
            down: try down.copyForTraining(), downBias: try downBias?.copy())
    }
}

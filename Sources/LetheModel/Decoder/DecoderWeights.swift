import LetheTensor

/// All parameters of a decoder. A value whose copies share memory layer by layer: replacing a layer in one copy leaves
/// the others as they were.
public struct DecoderWeights {
    /// [vocabulary, hidden].
    public var embedding: WeightMatrix
    /// [positions, hidden]; nil without learned positions.
    public var positions: WeightMatrix?
    /// Decoder layers, from the input up.
    public var layers: [LayerWeights]
    /// Before the output head.
    public var finalNorm: NormWeights
    /// [vocabulary, hidden]; nil when tied to the embedding.
    public var separateHead: WeightMatrix?
    /// [vocabulary].
    public var headBias: FloatBuffer?

    /// The output head, [vocabulary, hidden].
    public var head: WeightMatrix { separateHead ?? embedding }

    /// Gives one layer memory of its own, so that training it does not change other copies.
    /// - Throws: `limit_exceeded`.
    public mutating func detachLayer(_ index: Int) throws {
        layers[index] = try layers[index].copyForTraining()
    }

    /// Gives embedding, positions, final norm and head memory of their own.
    /// - Throws: `limit_exceeded`.
    public mutating func detachEnds() throws {
        embedding = try embedding.copyForTraining()
        positions = try positions?.copyForTraining()
        separateHead = try separateHead?.copyForTraining()
        finalNorm = NormWeights(weight: try finalNorm.weight.copy(), bias: try finalNorm.bias?.copy())
        headBias = try headBias?.copy()
    }
}

import LetheTensor

/// Gradients of one layer's parameters, added to by each backward pass.
public final class LayerGradients {
    /// Of ``LayerWeights/matrices``, in that order.
    public let matrices: [Matrix]
    /// Of ``LayerWeights/biases``.
    public let biases: [FloatBuffer?]
    /// Of ``LayerWeights/normVectors``; empty unless norms are trained.
    public let normVectors: [FloatBuffer]

    /// Zeros for a layer.
    /// - Throws: `limit_exceeded`.
    public init(zerosFor layer: LayerWeights, norms: Bool) throws {
        matrices = try layer.matrices.map { try Matrix(zeros: $0.rows, columns: $0.columns) }
        biases = try layer.biases.map { try $0.map { try FloatBuffer(zeros: $0.count) } }
        normVectors = norms ? try layer.normVectors.map { try FloatBuffer(zeros: $0.count) } : []
    }

    /// Whether these are gradients of a layer of this shape.
    public func fits(_ layer: LayerWeights) -> Bool {
        zip(matrices, layer.matrices).allSatisfy { $0.rows == $1.rows && $0.columns == $1.columns }
            && zip(biases, layer.biases).allSatisfy { $0?.count == $1?.count }
            && (normVectors.isEmpty || normVectors.map(\.count) == layer.normVectors.map(\.count))
    }

    /// Sets all to zero.
    public func clear() {
        for matrix in matrices { matrix.clear() }
        for bias in biases { bias?.clear() }
        for vector in normVectors { vector.clear() }
    }

    /// The sum of squares of the attention and MLP matrices.
    public var matrixSumOfSquares: Double { matrices.reduce(0) { $0 + Kernels.sumOfSquares($1) } }

    var queryKeyValue: Matrix { matrices[0] }
    var output: Matrix { matrices[1] }
    var gateUp: Matrix { matrices[2] }
    var down: Matrix { matrices[3] }
}

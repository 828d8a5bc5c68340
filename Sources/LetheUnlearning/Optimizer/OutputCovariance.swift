import LetheCore
import LetheModel
import LetheTensor

/// Outer products of the gradients at what the matrices of some layers give, summed over the tokens of texts: for each
/// matrix S = Σ_t d_t d_tᵀ, d_t being the gradient of the log-odds of the text's counted tokens at row t, [out].
///
/// It says which changes of a matrix's output those texts feel. This is the output side of the Kronecker-factored
/// curvature of Martens and Grosse 2015 (arXiv 1503.05671), of the log-odds rather than of the loss: what a model is sure
/// of has hardly any gradient, and is lost all the same when its log-odds go down. S is block-diagonal, so that its size
/// grows with the width of a matrix and not with its square.
package final class OutputCovariance {
    /// Rows of one forward and backward pass.
    private static let batchTokens = 1024
    /// Outputs of a block at most.
    package static let blockWidth = 2048

    private var sums: [Int: [[Matrix]]] = [:]

    /// Of some texts, as the model sees them now.
    /// - Parameter inputs: where the texts are added as well, as one forward pass serves both; nil: nowhere.
    /// - Throws: `limit_exceeded`, `bad_data` for sequences that do not fit the model.
    package init(
        _ pass: TrainingPass, _ decoder: Decoder, layers: [Int], of texts: [TrainingSequence],
        inputs: InputCovariance? = nil
    ) throws {
        for layer in layers {
            sums[layer] = try decoder.weights.layers[layer].matrices.map { matrix in
                try Self.blocks(matrix.rows).map { try Matrix(zeros: $0.count, columns: $0.count) }
            }
        }
        for batch in texts.batches(tokens: Self.batchTokens) {
            try pass.outputGradients(batch) { statistics in
                batch.indices.map { index in
                    batch[index].crossEntropy(statistics.nll[index].map { 1 / LevelRegression.doubt($0) })
                }
            } didRun: { layer, tape in
                try inputs?.add(layer, tape)
            } didFind: { layer, place, gradient in
                for (block, sum) in zip(Self.blocks(gradient.columns), sums[layer]?[place] ?? []) {
                    let columns = gradient.columnRange(block.lowerBound, block.count)
                    try Linear.backwardWeight(columns, columns, into: sum)
                }
            }
        }
    }

    /// The filters of each block of each matrix of a layer; see ``CovarianceFilter``. Gives up the layer's sums.
    /// - Throws: as ``CovarianceFilter/of(_:damping:)``.
    func takeFilters(_ layer: Int, damping: Double) throws -> [[Matrix]] {
        try (sums.removeValue(forKey: layer) ?? []).map {
            try $0.map { try CovarianceFilter.of($0, damping: damping) }
        }
    }

    /// The outputs of a matrix in blocks of about the same width.
    package static func blocks(_ width: Int) -> [Range<Int>] {
        let count = max(1, (width + blockWidth - 1) / blockWidth)
        return (0..<count).map { $0 * width / count..<($0 + 1) * width / count }
    }
}

import LetheModel
import LetheTensor

/// Mean outer products of what the matrices of some layers are multiplied with, over the tokens of many texts: for each
/// matrix C = mean_t x_t x_tᵀ, [in, in], not centred, the few x_t that are far larger than the others scaled down.
///
/// It says in which directions of a matrix's input those texts live. A change of the matrix along other directions
/// does not reach them. This is the input side of the Kronecker-factored curvature of Martens and Grosse 2015 (arXiv
/// 1503.05671).
package final class InputCovariance {
    /// Rows of one forward pass.
    private static let batchTokens = 1024
    /// Times the median energy: a row counts as at most as much.
    private static let largestEnergy = 16.0

    private let decoder: Decoder
    private let layers: [Int]
    private var sums: [Int: [Matrix]] = [:]

    /// Of some texts, or of none yet.
    /// - Parameter layers: ascending.
    /// - Throws: as ``add(_:)``.
    package init(_ decoder: Decoder, layers: [Int], of texts: [[Int32]] = []) throws {
        self.decoder = decoder
        self.layers = layers
        for layer in layers {
            sums[layer] = try decoder.weights.layers[layer].matrices.map {
                try Matrix(zeros: $0.columns, columns: $0.columns)
            }
        }
        try add(texts)
    }

    private init(copying other: InputCovariance) throws {
        decoder = other.decoder
        layers = other.layers
        sums = try other.sums.mapValues { try $0.map { try $0.copy() } }
    }

    /// The same sums in memory of their own.
    /// - Throws: `limit_exceeded`.
    func copy() throws -> InputCovariance { try InputCovariance(copying: self) }

    /// Adds the tokens of some sequences, as the model sees them now.
    /// - Throws: `limit_exceeded`, `bad_data` for sequences that do not fit the model.
    package func add(_ sequences: [[Int32]]) throws {
        let texts = sequences.filter { !$0.isEmpty }
        for part in PackedBatch.ranges(lengths: texts.map(\.count), rowLimit: Self.batchTokens) {
            try add(PackedBatch(Array(texts[part])))
        }
    }

    private func add(_ batch: PackedBatch) throws {
        guard let last = layers.last else { return }
        var state = try decoder.embed(batch)
        for layer in 0...last {
            let tape = sums[layer].map { _ in LayerTape() }
            let next = try decoder.forwardLayer(layer, state, batch: batch, tape: tape)
            if let tape { try add(layer, tape) }
            state = next
        }
    }

    /// Adds what one layer's matrices were multiplied with in a forward pass.
    /// - Throws: as ``Decoder/matrixInputs(_:tape:)``.
    func add(_ layer: Int, _ tape: LayerTape) throws {
        guard let sums = sums[layer] else { return }
        for (sum, input) in zip(sums, try decoder.matrixInputs(layer, tape: tape)) {
            let input = try Self.withoutOutliers(input)
            try Linear.backwardWeight(input, input, into: sum)
        }
    }

    /// The rows, those of more than ``largestEnergy`` times the median energy scaled down to it.
    ///
    /// The first token of a text, which attention rests on, can be a thousand times as large as all others where a layer
    /// projects down (the massive activations of Sun et al. 2024, arXiv 2402.17762). It would make up all of the mean
    /// that λ is a share of, and nothing else would be held. Scaled down its direction is still held best.
    /// - Throws: `limit_exceeded`.
    package static func withoutOutliers(_ input: Matrix) throws -> Matrix {
        let energies = (0..<input.rows).map { Kernels.dot(input.rowRange($0, 1), input.rowRange($0, 1)) }
        guard !energies.isEmpty else { return input }
        let limit = largestEnergy * energies.sorted()[energies.count / 2]
        guard limit > 0 else { return input }
        let outliers = energies.indices.filter { energies[$0] > limit && energies[$0].isFinite }
        guard !outliers.isEmpty else { return input }
        let clipped = try input.copy()
        for row in outliers {
            Kernels.scale(clipped.rowRange(row, 1), by: Float((limit / energies[row]).squareRoot()))
        }
        return clipped
    }

    /// The filter of each matrix of a layer; see ``CovarianceFilter``. Gives up the layer's sums.
    /// - Throws: as ``CovarianceFilter/of(_:damping:)``.
    package func takeFilters(_ layer: Int, damping: Double) throws -> [Matrix] {
        try (sums.removeValue(forKey: layer) ?? []).map { try CovarianceFilter.of($0, damping: damping) }
    }
}

import LetheCore
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
    /// Beyond it a filter that cannot be computed is an error.
    private static let largestDamping = 1e3

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
        var batch: [[Int32]] = []
        var rows = 0
        for sequence in sequences where !sequence.isEmpty {
            if rows + sequence.count > Self.batchTokens, !batch.isEmpty {
                try add(PackedBatch(batch))
                (batch, rows) = ([], 0)
            }
            batch.append(sequence)
            rows += sequence.count
        }
        if !batch.isEmpty { try add(PackedBatch(batch)) }
    }

    private func add(_ batch: PackedBatch) throws {
        guard let last = layers.last else { return }
        var state = try decoder.embed(batch)
        for layer in 0...last {
            guard let sums = sums[layer] else {
                state = try decoder.forwardLayer(layer, state, batch: batch)
                continue
            }
            let tape = LayerTape()
            let next = try decoder.forwardLayer(layer, state, batch: batch, tape: tape)
            for (sum, input) in zip(sums, try decoder.matrixInputs(layer, tape: tape)) {
                let input = try Self.withoutOutliers(input)
                try Linear.backwardWeight(input, input, into: sum)
            }
            state = next
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

    /// λ (C + λ I)⁻¹ of each matrix of a layer, λ being `damping` times the mean of C's diagonal: close to 1 along
    /// directions that the texts do not use, and close to 0 along those that they use most. Where λ is too small for
    /// fp32 it is made ten times as large, and so on. Gives up the layer's sums.
    /// - Throws: `bad_data` where the inputs are not finite, `limit_exceeded`.
    package func takeFilters(_ layer: Int, damping: Double) throws -> [Matrix] {
        try (sums.removeValue(forKey: layer) ?? []).map { sum in
            let width = sum.columns
            let mean = (0..<width).reduce(0) { $0 + Double(sum.pointer[$1 * sum.stride + $1]) } / Double(max(1, width))
            var damping = damping
            while true {
                // Without any text every direction is free.
                let shift = max(damping * mean, Double(Float.leastNormalMagnitude))
                let filter = try sum.copy()
                Kernels.scale(filter, by: Float(1 / shift))
                for index in 0..<width { filter.pointer[index * width + index] += 1 }
                do {
                    try Self.invertScaled(filter)
                    return filter
                } catch let error as LetheError where error.code == .badData && damping < Self.largestDamping {
                    damping *= 10
                }
            }
        }
    }

    /// Inverts a positive definite matrix in the scale where its diagonal is 1: some dimensions of a model's states are
    /// thousands of times as large as the others.
    private static func invertScaled(_ matrix: Matrix) throws {
        let width = matrix.columns
        let scales = (0..<width).map { 1 / matrix.pointer[$0 * width + $0].squareRoot() }
        func scale() {
            for row in 0..<width {
                let values = matrix.pointer + row * width
                for column in 0..<width { values[column] *= scales[row] * scales[column] }
            }
        }
        scale()
        try matrix.invertPositiveDefinite()
        scale()
    }
}

import LetheCore
import LetheTensor

/// A decoder-only transformer's forward pass, in the order Vaswani et al. 2017 describe with the pre-norm residuals of
/// current models; ``DecoderConfiguration`` holds what differs between families.
///
/// Not Sendable: one owner runs it. Activations are fp32, [T, hidden], T being the rows of a ``PackedBatch``.
public final class Decoder {
    /// Shape of the model.
    public let configuration: DecoderConfiguration
    /// Parameters; may be replaced, wholly or by layer, between passes.
    public var weights: DecoderWeights
    /// Element type of the inputs of matrix products.
    public var precision: Precision = .float32
    let rotary: RotaryTable?
    let localRotary: RotaryTable?

    /// Creates a decoder over weights that fit the configuration.
    /// - Throws: `limit_exceeded`.
    public init(configuration: DecoderConfiguration, weights: DecoderWeights) throws {
        self.configuration = configuration
        self.weights = weights
        rotary = try configuration.rotary.map(RotaryTable.init)
        localRotary = try configuration.localRotary.map(RotaryTable.init)
    }

    /// The same computation over other weights of the same shape, which it shares.
    /// - Throws: `limit_exceeded`.
    public func sharing(_ weights: DecoderWeights) throws -> Decoder {
        let other = try Decoder(configuration: configuration, weights: weights)
        other.precision = precision
        return other
    }

    /// Checks a batch against the model, so that later passes cannot index out of bounds.
    /// - Throws: `limit_exceeded` for a sequence that is too long, `bad_data` for a token outside the vocabulary.
    public func check(_ batch: PackedBatch) throws {
        for sequence in 0..<batch.sequenceCount where batch.rows(sequence).count > configuration.maximumPositions {
            throw LetheError(
                .limitExceeded,
                "sequence of \(batch.rows(sequence).count) tokens; the model's limit is \(configuration.maximumPositions)"
            )
        }
        for token in batch.tokens where token < 0 || Int(token) >= configuration.vocabularySize {
            throw LetheError(.badData, "token \(token) is outside the vocabulary of \(configuration.vocabularySize)")
        }
    }

    /// Token embeddings, with learned positions where the model has them: [T, hidden].
    /// - Throws: as ``check(_:)``.
    public func embed(_ batch: PackedBatch) throws -> Matrix {
        try check(batch)
        let x = try Matrix(rows: batch.rowCount, columns: configuration.hiddenSize)
        for row in 0..<batch.rowCount {
            weights.embedding.copyRow(Int(batch.tokens[row]), to: x.pointer + row * x.columns)
        }
        if configuration.embeddingScale != 1 { Kernels.scale(x, by: configuration.embeddingScale) }
        if let positions = weights.positions {
            let added = try Matrix(rows: batch.rowCount, columns: configuration.hiddenSize)
            for row in 0..<batch.rowCount {
                positions.copyRow(Int(batch.positions[row]), to: added.pointer + row * added.columns)
            }
            Kernels.add(added, to: x)
        }
        return x
    }

    /// The state before layer `end`, from the state before layer `start`.
    ///
    /// - Parameters:
    ///   - tapes: nil, or one tape for each layer of the range, filled for the backward pass.
    ///   - cache: where keys and values of every layer go, one cache for each sequence.
    /// - Throws: `limit_exceeded`.
    public func forward(
        _ x: Matrix, batch: PackedBatch, layers: Range<Int>, tapes: [LayerTape]? = nil,
        caches: [KeyValueCache]? = nil
    ) throws -> Matrix {
        var state = x
        for layer in layers {
            state = try forwardLayer(
                layer, state, batch: batch, tape: tapes?[layer - layers.lowerBound], caches: caches)
        }
        return state
    }

    /// One layer: [T, hidden] to a new [T, hidden].
    /// - Throws: `limit_exceeded`.
    public func forwardLayer(
        _ index: Int, _ x: Matrix, batch: PackedBatch, tape: LayerTape? = nil, caches: [KeyValueCache]? = nil
    ) throws -> Matrix {
        let layer = weights.layers[index]
        tape?.input = x
        let normed = try Matrix(rows: x.rows, columns: x.columns)
        let statistics = try applyNorm(layer.attentionNorm, x, into: normed)
        tape?.attentionNorm = statistics

        let queryKeyValue = try projectQueryKeyValue(index, normed, positions: batch.positions, tape: tape)
        let attended = try Matrix(rows: x.rows, columns: configuration.headCount * configuration.headSize)
        let logSumExp = try FloatBuffer(count: x.rows * configuration.headCount)
        let (q, k, v) = split(queryKeyValue)
        if let caches {
            for sequence in 0..<batch.sequenceCount {
                let rows = batch.rows(sequence)
                try caches[sequence].append(
                    layer: index, keys: k.rowRange(rows.lowerBound, rows.count),
                    values: v.rowRange(rows.lowerBound, rows.count))
            }
        }
        try Kernels.attention(
            q: q, k: k, v: v, shape: attentionShape(index), offsets: batch.offsets, into: attended,
            logSumExp: logSumExp)
        tape?.queryKeyValue = queryKeyValue
        tape?.attended = attended
        tape?.logSumExp = logSumExp
        return try finishLayer(layer, x, normed: normed, attended: attended, tape: tape)
    }

    /// Query, key and value of a normalised input, biased, head-normed and rotated: [T, queryKeyValueSize].
    func projectQueryKeyValue(_ index: Int, _ normed: Matrix, positions: [Int32], tape: LayerTape?) throws -> Matrix {
        let layer = weights.layers[index]
        let projected = try Matrix(rows: normed.rows, columns: configuration.queryKeyValueSize)
        try Linear.forward(normed, layer.queryKeyValue, into: projected, precision: precision)
        if let bias = layer.queryKeyValueBias { Kernels.addBias(bias, to: projected) }
        let (q, k, _) = split(projected)
        if let queryNorm = layer.queryNorm, let keyNorm = layer.keyNorm {
            let raw = try projected.copy()
            tape?.rawQueryKeyValue = raw
            let (rawQ, rawK, _) = split(raw)
            let queryRstd = try normHeads(rawQ, queryNorm, into: q)
            let keyRstd = try normHeads(rawK, keyNorm, into: k)
            tape?.queryNormRstd = queryRstd
            tape?.keyNormRstd = keyRstd
        }
        if let table = rotaryTable(index) {
            try table.extend(to: Int(positions.max() ?? 0) + 1)
            rotate(q, heads: configuration.headCount, table: table, positions: positions)
            rotate(k, heads: configuration.keyValueHeadCount, table: table, positions: positions)
        }
        return projected
    }

    /// What follows attention: output matrix, residual, MLP, residual.
    func finishLayer(_ layer: LayerWeights, _ x: Matrix, normed: Matrix, attended: Matrix, tape: LayerTape?) throws
        -> Matrix
    {
        let y = try x.copy()
        if configuration.residual == .sequential {
            try addBranch(
                attended, layer.output, layer.outputBias, layer.postAttentionNorm, to: y,
                keep: {
                    tape?.attentionOutput = $0; tape?.postAttentionNorm = $1
                })
            let middle = tape == nil ? y : try y.copy()
            tape?.middle = middle
            guard let mlpNorm = layer.mlpNorm else { throw LetheError(.internalError, "a layer has no MLP norm") }
            let normed = try Matrix(rows: x.rows, columns: x.columns)
            let statistics = try applyNorm(mlpNorm, middle, into: normed)
            tape?.mlpNorm = statistics
            try addMLP(layer, normed, to: y, tape: tape)
        } else {
            try addBranch(attended, layer.output, layer.outputBias, nil, to: y, keep: { _, _ in })
            if configuration.residual == .parallel, let mlpNorm = layer.mlpNorm {
                let second = try Matrix(rows: x.rows, columns: x.columns)
                let statistics = try applyNorm(mlpNorm, x, into: second)
                tape?.mlpNorm = statistics
                try addMLP(layer, second, to: y, tape: tape)
            } else {
                try addMLP(layer, normed, to: y, tape: tape)
            }
        }
        return y
    }

    private func addMLP(_ layer: LayerWeights, _ normed: Matrix, to y: Matrix, tape: LayerTape?) throws {
        let gateUp = try Matrix(rows: normed.rows, columns: layer.gateUp.rows)
        try Linear.forward(normed, layer.gateUp, into: gateUp, precision: precision)
        if let bias = layer.gateUpBias { Kernels.addBias(bias, to: gateUp) }
        let activated = try Matrix(rows: normed.rows, columns: configuration.intermediateSize)
        activate(gateUp, into: activated)
        tape?.gateUp = gateUp
        try addBranch(
            activated, layer.down, layer.downBias, layer.postMLPNorm, to: y,
            keep: {
                tape?.mlpOutput = $0; tape?.postMLPNorm = $1
            })
    }

    /// The input of the down matrix, [T, intermediate].
    func activate(_ gateUp: Matrix, into activated: Matrix) {
        if configuration.isGated {
            Kernels.gated(gateUp, activation: configuration.activation, into: activated)
        } else {
            Kernels.activate(gateUp, activation: configuration.activation, into: activated)
        }
    }

    /// y += norm(input · Wᵀ + bias).
    private func addBranch(
        _ input: Matrix, _ weight: WeightMatrix, _ bias: FloatBuffer?, _ postNorm: NormWeights?, to y: Matrix,
        keep: (Matrix, NormStatistics) -> Void
    ) throws {
        guard let postNorm else {
            try Linear.forward(input, weight, into: y, accumulate: true, precision: precision)
            if let bias { Kernels.addBias(bias, to: y) }
            return
        }
        let branch = try Matrix(rows: y.rows, columns: y.columns)
        try Linear.forward(input, weight, into: branch, precision: precision)
        if let bias { Kernels.addBias(bias, to: branch) }
        let normed = try Matrix(rows: y.rows, columns: y.columns)
        let statistics = try applyNorm(postNorm, branch, into: normed)
        keep(branch, statistics)
        Kernels.add(normed, to: y)
    }

    // MARK: Parts shared with the backward pass

    func split(_ queryKeyValue: Matrix) -> (q: Matrix, k: Matrix, v: Matrix) {
        let querySize = configuration.headCount * configuration.headSize
        let keySize = configuration.keyValueHeadCount * configuration.headSize
        return (
            queryKeyValue.columnRange(0, querySize), queryKeyValue.columnRange(querySize, keySize),
            queryKeyValue.columnRange(querySize + keySize, keySize)
        )
    }

    func attentionShape(_ index: Int) -> AttentionShape {
        var shape = AttentionShape(
            queryHeads: configuration.headCount, keyValueHeads: configuration.keyValueHeadCount,
            headSize: configuration.headSize, scale: configuration.attentionScale)
        shape.softcap = configuration.attentionSoftcap
        shape.window = configuration.window(index)
        return shape
    }

    func rotaryTable(_ index: Int) -> RotaryTable? {
        configuration.window(index) > 0 ? localRotary ?? rotary : rotary
    }

    func rotate(_ x: Matrix, heads: Int, table: RotaryTable, positions: [Int32], inverse: Bool = false) {
        Kernels.rope(
            x, heads: heads, headSize: configuration.headSize, rotary: table.size, cosine: table.cosine,
            sine: table.sine, positions: positions, inverse: inverse)
    }

    func applyNorm(_ norm: NormWeights, _ x: Matrix, into y: Matrix) throws -> NormStatistics {
        let rstd = try FloatBuffer(count: x.rows)
        switch configuration.norm {
        case .rms(let offset):
            Kernels.rmsNorm(
                x, weight: norm.weight, offset: offset, epsilon: configuration.normEpsilon, into: y, rstd: rstd)
            return NormStatistics(mean: nil, rstd: rstd)
        case .layer:
            let mean = try FloatBuffer(count: x.rows)
            Kernels.layerNorm(
                x, weight: norm.weight, bias: norm.bias, epsilon: configuration.normEpsilon, into: y, mean: mean,
                rstd: rstd)
            return NormStatistics(mean: mean, rstd: rstd)
        }
    }

    private func normHeads(_ x: Matrix, _ norm: NormWeights, into y: Matrix) throws -> [FloatBuffer] {
        try (0..<x.columns / configuration.headSize).map { head in
            let rstd = try FloatBuffer(count: x.rows)
            Kernels.rmsNorm(
                x.columnRange(head * configuration.headSize, configuration.headSize), weight: norm.weight,
                offset: headNormOffset, epsilon: configuration.normEpsilon,
                into: y.columnRange(head * configuration.headSize, configuration.headSize), rstd: rstd)
            return rstd
        }
    }

    var headNormOffset: Float {
        if case .rms(let offset) = configuration.norm { offset } else { 0 }
    }
}

import LetheCore
import LetheTensor

extension Decoder {
    /// The gradient at the input of the range's first layer, from that at the output of its last.
    ///
    /// Consumes the tapes. Layers without gradients of their own pass the gradient through.
    /// - Parameters:
    ///   - gradients: for a layer's index, where its parameters' gradients are added, or nil.
    ///   - detachesSink: whether the keys and values of a sequence's first token are constants to all later ones, as with
    ///     a stop-gradient. Heads with nothing to look for rest on that token, the attention sink of Xiao et al. 2023
    ///     (arXiv 2309.17453), whatever the sequence says.
    ///   - willVisit: called with a layer's index and the gradient at its output, before that layer.
    ///   - didFind: as in ``backwardLayer(_:_:batch:tape:gradients:detachesSink:didFind:)``, with a layer's index before.
    ///   - didVisit: called when a layer's gradients are complete for this pass.
    /// - Throws: `limit_exceeded`.
    public func backward(
        _ dy: Matrix, batch: PackedBatch, layers: Range<Int>, tapes: [LayerTape],
        gradients: (Int) throws -> LayerGradients?, detachesSink: Bool = false,
        willVisit: (Int, Matrix) throws -> Void = { _, _ in },
        didFind: (Int, Int, Matrix) throws -> Void = { _, _, _ in },
        didVisit: (Int) throws -> Void = { _ in }
    ) throws -> Matrix {
        var gradient = dy
        for index in layers.reversed() {
            try willVisit(index, gradient)
            gradient = try backwardLayer(
                index, gradient, batch: batch, tape: tapes[index - layers.lowerBound], gradients: gradients(index),
                detachesSink: detachesSink
            ) { try didFind(index, $0, $1) }
            try didVisit(index)
        }
        return gradient
    }

    /// One layer: the gradient at its input from that at its output, both [T, hidden].
    /// - Parameters:
    ///   - detachesSink: as in ``backward(_:batch:layers:tapes:gradients:detachesSink:willVisit:didFind:didVisit:)``.
    ///   - didFind: called with the place of each of ``LayerWeights/matrices`` and the gradient at what it gives, [T, out].
    /// - Throws: `limit_exceeded`.
    public func backwardLayer(
        _ index: Int, _ dy: Matrix, batch: PackedBatch, tape: LayerTape, gradients: LayerGradients?,
        detachesSink: Bool = false, didFind: (Int, Matrix) throws -> Void = { _, _ in }
    ) throws -> Matrix {
        let layer = weights.layers[index]
        guard let x = tape.input, let attentionNorm = tape.attentionNorm else {
            throw LetheError(.internalError, "backward without a forward pass")
        }
        let norms = NormGradients(layer, gradients)
        let dx = try dy.copy()
        let dnormed = try Matrix(rows: x.rows, columns: x.columns)
        if configuration.residual == .sequential {
            guard let middle = tape.middle, let mlpNorm = layer.mlpNorm, let statistics = tape.mlpNorm else {
                throw LetheError(.internalError, "backward without a forward pass")
            }
            let normed = gradients == nil ? nil : try renormed(mlpNorm, middle)
            try backwardMLP(
                layer, dy, normed: normed, tape: tape, gradients: gradients, norms: norms, into: dnormed,
                didFind: didFind)
            backwardNorm(mlpNorm, dnormed, x: middle, statistics: statistics, dx: dx, norms.vectors(.mlp))
            try backwardAttention(
                index, dx, batch: batch, tape: tape, gradients: gradients, norms: norms, into: dnormed,
                accumulate: false, detachesSink: detachesSink, didFind: didFind)
        } else {
            if configuration.residual == .parallel, let mlpNorm = layer.mlpNorm, let statistics = tape.mlpNorm {
                let normed = gradients == nil ? nil : try renormed(mlpNorm, x)
                try backwardMLP(
                    layer, dy, normed: normed, tape: tape, gradients: gradients, norms: norms, into: dnormed,
                    didFind: didFind)
                backwardNorm(mlpNorm, dnormed, x: x, statistics: statistics, dx: dx, norms.vectors(.mlp))
                try backwardAttention(
                    index, dy, batch: batch, tape: tape, gradients: gradients, norms: norms, into: dnormed,
                    accumulate: false, detachesSink: detachesSink, didFind: didFind)
            } else {
                let normed = gradients == nil ? nil : try renormed(layer.attentionNorm, x)
                try backwardMLP(
                    layer, dy, normed: normed, tape: tape, gradients: gradients, norms: norms, into: dnormed,
                    didFind: didFind)
                try backwardAttention(
                    index, dy, batch: batch, tape: tape, gradients: gradients, norms: norms, into: dnormed,
                    accumulate: true, detachesSink: detachesSink, didFind: didFind)
            }
        }
        backwardNorm(
            layer.attentionNorm, dnormed, x: x, statistics: attentionNorm, dx: dx, norms.vectors(.attention))
        return dx
    }

    /// The gradient at the normalised input of the MLP, written to `dnormed`.
    private func backwardMLP(
        _ layer: LayerWeights, _ dy: Matrix, normed: Matrix?, tape: LayerTape, gradients: LayerGradients?,
        norms: NormGradients, into dnormed: Matrix, didFind: (Int, Matrix) throws -> Void
    ) throws {
        guard let gateUp = tape.gateUp else { throw LetheError(.internalError, "backward without a forward pass") }
        let dbranch = try backwardPostNorm(
            layer.postMLPNorm, dy, output: tape.mlpOutput, statistics: tape.postMLPNorm, norms.vectors(.postMLP))
        let dactivated = try Matrix(rows: dy.rows, columns: configuration.intermediateSize)
        try Linear.backwardInput(dbranch, layer.down, into: dactivated, precision: precision)
        let activated = gradients == nil ? nil : try Matrix(rows: dy.rows, columns: configuration.intermediateSize)
        if configuration.isGated {
            Kernels.gatedBackward(dactivated, gateUp: gateUp, activation: configuration.activation, out: activated)
        } else {
            Kernels.activateBackward(dactivated, x: gateUp, activation: configuration.activation, out: activated)
        }
        try didFind(3, dbranch)
        try didFind(2, gateUp)
        if let gradients, let activated, let normed {
            try Linear.backwardWeight(dbranch, activated, into: gradients.down, precision: precision)
            if let bias = gradients.biases[3] { Kernels.biasBackward(dbranch, dbias: bias) }
            try Linear.backwardWeight(gateUp, normed, into: gradients.gateUp, precision: precision)
            if let bias = gradients.biases[2] { Kernels.biasBackward(gateUp, dbias: bias) }
        }
        try Linear.backwardInput(gateUp, layer.gateUp, into: dnormed, precision: precision)
        tape.gateUp = nil
    }

    /// The gradient at the normalised input of attention, written or added to `dnormed`.
    private func backwardAttention(
        _ index: Int, _ dy: Matrix, batch: PackedBatch, tape: LayerTape, gradients: LayerGradients?,
        norms: NormGradients, into dnormed: Matrix, accumulate: Bool, detachesSink: Bool,
        didFind: (Int, Matrix) throws -> Void
    ) throws {
        let layer = weights.layers[index]
        guard let x = tape.input, let queryKeyValue = tape.queryKeyValue, let attended = tape.attended,
            let logSumExp = tape.logSumExp
        else { throw LetheError(.internalError, "backward without a forward pass") }
        let dbranch = try backwardPostNorm(
            layer.postAttentionNorm, dy, output: tape.attentionOutput, statistics: tape.postAttentionNorm,
            norms.vectors(.postAttention))
        let dattended = try Matrix(rows: dy.rows, columns: attended.columns)
        try Linear.backwardInput(dbranch, layer.output, into: dattended, precision: precision)
        try didFind(1, dbranch)
        if let gradients {
            try Linear.backwardWeight(dbranch, attended, into: gradients.output, precision: precision)
            if let bias = gradients.biases[1] { Kernels.biasBackward(dbranch, dbias: bias) }
        }
        let dqueryKeyValue = try Matrix(rows: dy.rows, columns: queryKeyValue.columns)
        let (q, k, v) = split(queryKeyValue)
        let (dq, dk, dv) = split(dqueryKeyValue)
        try Kernels.attentionBackward(
            dout: dattended, out: attended, logSumExp: logSumExp, q: q, k: k, v: v, shape: attentionShape(index),
            offsets: batch.offsets, dq: dq, dk: dk, dv: dv)
        if detachesSink { detachSink(batch, dout: dattended, dk: dk, dv: dv) }
        if let table = rotaryTable(index) {
            rotate(dq, heads: configuration.headCount, table: table, positions: batch.positions, inverse: true)
            rotate(dk, heads: configuration.keyValueHeadCount, table: table, positions: batch.positions, inverse: true)
        }
        if let queryNorm = layer.queryNorm, let keyNorm = layer.keyNorm, let raw = tape.rawQueryKeyValue {
            let (rawQ, rawK, _) = split(raw)
            try backwardHeads(dq, x: rawQ, queryNorm, rstd: tape.queryNormRstd, norms.vectors(.query).first)
            try backwardHeads(dk, x: rawK, keyNorm, rstd: tape.keyNormRstd, norms.vectors(.key).first)
        }
        try didFind(0, dqueryKeyValue)
        if let gradients {
            let normed = try renormed(layer.attentionNorm, x)
            try Linear.backwardWeight(dqueryKeyValue, normed, into: gradients.queryKeyValue, precision: precision)
            if let bias = gradients.biases[0] { Kernels.biasBackward(dqueryKeyValue, dbias: bias) }
        }
        try Linear.backwardInput(
            dqueryKeyValue, layer.queryKeyValue, into: dnormed, accumulate: accumulate, precision: precision)
    }

    /// Leaves of the gradients at the key and value of each sequence's first token what comes from that token itself. It
    /// attends to nothing else, with weight 1: all of its output's gradient is its value's, and none its key's.
    private func detachSink(_ batch: PackedBatch, dout: Matrix, dk: Matrix, dv: Matrix) {
        let size = configuration.headSize
        let groupSize = configuration.headCount / configuration.keyValueHeadCount
        for sequence in 0..<batch.sequenceCount where !batch.rows(sequence).isEmpty {
            let row = batch.rows(sequence).lowerBound
            dk.rowRange(row, 1).clear()
            let value = dv.rowRange(row, 1)
            value.clear()
            for head in 0..<configuration.headCount {
                Kernels.add(
                    dout.rowRange(row, 1).columnRange(head * size, size),
                    to: value.columnRange(head / groupSize * size, size))
            }
        }
    }

    private func backwardPostNorm(
        _ norm: NormWeights?, _ dy: Matrix, output: Matrix?, statistics: NormStatistics?, _ vectors: [FloatBuffer]
    ) throws -> Matrix {
        guard let norm, let output, let statistics else { return dy }
        let dbranch = try Matrix(zeros: dy.rows, columns: dy.columns)
        backwardNorm(norm, dy, x: output, statistics: statistics, dx: dbranch, vectors)
        return dbranch
    }

    /// dx += the gradient of a norm; its parameters' gradients are added when `vectors` has them.
    func backwardNorm(
        _ norm: NormWeights, _ dy: Matrix, x: Matrix, statistics: NormStatistics, dx: Matrix, _ vectors: [FloatBuffer]
    ) {
        if let mean = statistics.mean {
            Kernels.layerNormBackward(
                dy, x: x, weight: norm.weight, mean: mean, rstd: statistics.rstd, dx: dx, dweight: vectors.first,
                dbias: vectors.count > 1 ? vectors[1] : nil)
        } else {
            Kernels.rmsNormBackward(
                dy, x: x, weight: norm.weight, offset: headNormOffset, rstd: statistics.rstd, dx: dx,
                dweight: vectors.first)
        }
    }

    /// Turns the gradient of normed heads into that of the raw ones, in place.
    private func backwardHeads(
        _ dy: Matrix, x: Matrix, _ norm: NormWeights, rstd: [FloatBuffer], _ dweight: FloatBuffer?
    )
        throws
    {
        let size = configuration.headSize
        for head in rstd.indices {
            let gradient = dy.columnRange(head * size, size)
            let dx = try Matrix(zeros: x.rows, columns: size)
            Kernels.rmsNormBackward(
                gradient, x: x.columnRange(head * size, size), weight: norm.weight, offset: headNormOffset,
                rstd: rstd[head], dx: dx, dweight: dweight)
            gradient.assign(dx)
        }
    }

    func renormed(_ norm: NormWeights, _ x: Matrix) throws -> Matrix {
        let y = try Matrix(rows: x.rows, columns: x.columns)
        _ = try applyNorm(norm, x, into: y)
        return y
    }
}

/// Finds the gradients of a norm's vectors in the flat list that ``LayerWeights/normVectors`` defines.
private struct NormGradients {
    enum Place: Int { case attention, postAttention, mlp, postMLP, query, key }

    private var ranges: [Range<Int>] = []
    private let all: [FloatBuffer]

    init(_ layer: LayerWeights, _ gradients: LayerGradients?) {
        all = gradients?.normVectors ?? []
        var start = 0
        let norms = [
            layer.attentionNorm, layer.postAttentionNorm, layer.mlpNorm, layer.postMLPNorm, layer.queryNorm,
            layer.keyNorm,
        ]
        for norm in norms {
            let count = norm.map { $0.bias == nil ? 1 : 2 } ?? 0
            ranges.append(start..<start + count)
            start += count
        }
    }

    func vectors(_ place: Place) -> [FloatBuffer] {
        all.isEmpty ? [] : Array(all[ranges[place.rawValue]])
    }
}

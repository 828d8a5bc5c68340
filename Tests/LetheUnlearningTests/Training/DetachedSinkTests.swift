import LetheModel
import LetheTensor
import LetheTestSupport
import Testing

/// Backward passes in which the keys and values of a sequence's first token are constants to later ones.
@Suite struct DetachedSinkTests {
    private struct Gradients {
        /// At the input, [T, hidden].
        let input: Matrix
        /// At the concatenated queries, keys and values of each layer from the last down, [T, out].
        let queryKeyValue: [Matrix]
        /// Of every matrix.
        let matrices: [[Float]]
    }

    /// Of a loss that depends on some rows of the last layer's output only.
    private func gradients(
        _ model: LanguageModel, _ batch: PackedBatch, rows: [Int], layers: Range<Int>, detachesSink: Bool
    ) throws -> Gradients {
        let decoder = model.decoder
        let tapes = layers.map { _ in LayerTape() }
        let hidden = try decoder.forward(decoder.embed(batch), batch: batch, layers: layers, tapes: tapes)
        let dy = try Matrix(zeros: hidden.rows, columns: hidden.columns)
        for row in rows {
            for column in 0..<dy.columns { dy.pointer[row * dy.stride + column] = column % 3 == 0 ? 1 : -0.5 }
        }
        let all = try decoder.weights.layers.map { try LayerGradients(zerosFor: $0, norms: true) }
        var found: [Matrix] = []
        let input = try decoder.backward(
            dy, batch: batch, layers: layers, tapes: tapes, gradients: { all[$0] }, detachesSink: detachesSink,
            didFind: { _, place, gradient in if place == 0 { found.append(try gradient.copy()) } })
        return Gradients(input: input, queryKeyValue: found, matrices: all.flatMap { $0.matrices.map(\.array) })
    }

    private func row(_ matrix: Matrix, _ row: Int) -> [Float] { matrix.rowRange(row, 1).array }

    @Test(arguments: GoldenModel.names)
    func `what later tokens ask of the first is left out, and nothing else`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let batch = PackedBatch(try fixture.sequences.map(\.ids))
        let last = (0..<batch.sequenceCount).map { batch.rows($0).upperBound - 1 }
        // The second token sees the first through any window.
        let later = Set(last + (0..<batch.sequenceCount).map { batch.rows($0).lowerBound + 1 }).sorted()
        // One layer by itself: its input's other gradients are the same in both.
        let top = model.configuration.layerCount - 1
        let layer = top..<top + 1
        let full = try gradients(model, batch, rows: later, layers: layer, detachesSink: false)
        let detached = try gradients(model, batch, rows: later, layers: layer, detachesSink: true)
        for sequence in 0..<batch.sequenceCount {
            for place in batch.rows(sequence) {
                let isFirst = place == batch.rows(sequence).lowerBound
                let (was, now) = (row(full.queryKeyValue[0], place), row(detached.queryKeyValue[0], place))
                if isFirst {
                    #expect(now.allSatisfy { $0 == 0 })
                    #expect(was.contains { $0 != 0 } && row(full.input, place).contains { $0 != 0 })
                    #expect(row(detached.input, place).allSatisfy { $0 == 0 })
                } else {
                    #expect(now == was && row(detached.input, place) == row(full.input, place))
                }
            }
        }
        // Through all layers: nothing reaches the first token.
        let whole = try gradients(
            model, batch, rows: later, layers: 0..<model.configuration.layerCount, detachesSink: true)
        for sequence in 0..<batch.sequenceCount {
            #expect(row(whole.input, batch.rows(sequence).lowerBound).allSatisfy { $0 == 0 })
            #expect(row(whole.input, last[sequence]).contains { $0 != 0 })
        }
    }

    @Test(arguments: GoldenModel.names)
    func `what the first token predicts has all of its gradient`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let batch = PackedBatch(try fixture.sequences.map(\.ids))
        let first = (0..<batch.sequenceCount).map { batch.rows($0).lowerBound }
        let layers = 0..<model.configuration.layerCount
        let full = try gradients(model, batch, rows: first, layers: layers, detachesSink: false)
        let detached = try gradients(model, batch, rows: first, layers: layers, detachesSink: true)
        #expect(Closeness.mismatch(detached.input.array, full.input.array, ofScale: 1e-5) == nil)
        for (now, was) in zip(detached.matrices, full.matrices) {
            #expect(was.contains { $0 != 0 })
            #expect(Closeness.mismatch(now, was, ofScale: 1e-5) == nil)
        }
    }
}

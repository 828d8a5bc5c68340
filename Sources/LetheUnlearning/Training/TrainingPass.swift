import LetheCore
import LetheModel
import LetheTensor

/// One forward and backward pass over packed sequences, adding to the gradients of the trained parameters.
public final class TrainingPass {
    private let decoder: Decoder
    private let parameters: TrainableParameters
    private let prefix: PrefixCache
    /// For ``SequenceLoss/divergence(_:reference:coefficients:)``: whose head turns reference states to logits.
    public var reference: Decoder?

    /// Prepares passes over a decoder whose trained parameters are already detached.
    public init(_ decoder: Decoder, parameters: TrainableParameters) {
        self.decoder = decoder
        self.parameters = parameters
        prefix = PrefixCache(decoder, lowestLayer: parameters.lowestLayer)
    }

    /// What the model says of the sequences now, without a gradient.
    /// - Throws: `limit_exceeded`, `bad_data` for sequences that do not fit the model.
    public func statistics(_ sequences: [TrainingSequence]) throws -> BatchStatistics {
        let batch = PackedBatch(sequences.map(\.ids))
        let hidden = try decoder.forward(
            prefix.state(batch), batch: batch, layers: parameters.lowestLayer..<decoder.configuration.layerCount)
        let head = try OutputHead(decoder, hidden: hidden)
        return gather(try head.statistics(targets: targets(sequences)), batch, sequences)
    }

    /// Forward, then backward of the losses that `plan` gives each sequence after seeing the statistics.
    ///
    /// - Returns: the statistics, which are those before any update.
    /// - Throws: as ``statistics(_:)``, and what `plan` throws.
    @discardableResult
    public func run(_ sequences: [TrainingSequence], plan: (BatchStatistics) throws -> [SequenceLoss]) throws
        -> BatchStatistics
    {
        let batch = PackedBatch(sequences.map(\.ids))
        let lowest = parameters.lowestLayer
        let layers = lowest..<decoder.configuration.layerCount
        let tapes = layers.map { _ in LayerTape() }
        let input = try prefix.state(batch)
        let hidden = try decoder.forward(input, batch: batch, layers: layers, tapes: tapes)
        let head = try OutputHead(decoder, hidden: hidden)
        let targets = targets(sequences)
        let rowStatistics = try head.statistics(targets: targets)
        let statistics = gather(rowStatistics, batch, sequences)
        let losses = try plan(statistics)
        guard losses.count == sequences.count else {
            throw LetheError(.internalError, "a loss plan does not fit its batch")
        }
        let references = try losses.map { loss -> OutputHead? in
            guard case .divergence(_, let states, _) = loss else { return nil }
            return try OutputHead(reference ?? decoder, hidden: states)
        }
        let gradient = try head.backward(
            headGradient: parameters.headGradient, headBiasGradient: parameters.headBiasGradient,
            finalNormGradient: parameters.finalNormGradient
        ) { rows, logits in
            for sequence in 0..<batch.sequenceCount {
                let common = batch.rows(sequence).clamped(to: rows)
                guard !common.isEmpty else { continue }
                let inSequence = common.lowerBound - batch.rows(sequence).lowerBound
                let part = logits.rowRange(common.lowerBound - rows.lowerBound, common.count)
                let range = inSequence..<inSequence + common.count
                switch losses[sequence] {
                case .none:
                    part.clear()
                case .crossEntropy(let coefficients):
                    Kernels.crossEntropyBackward(
                        part, logSumExp: Array(rowStatistics.logSumExp[common]),
                        targets: targets[common].map { $0 ?? 0 }, coefficients: padded(coefficients, range))
                case .divergence(let kind, _, let coefficients):
                    guard let reference = references[sequence] else { continue }
                    _ = Kernels.divergence(
                        kind, logits: part, reference: try reference.logits(range),
                        coefficients: padded(coefficients, range))
                }
            }
        }
        let dinput = try decoder.backward(
            gradient, batch: batch, layers: layers, tapes: tapes, gradients: { parameters.gradients($0) })
        addEmbeddingGradient(dinput, batch)
        return statistics
    }

    private func addEmbeddingGradient(_ dinput: Matrix, _ batch: PackedBatch) {
        guard let embedding = parameters.embeddingGradient else { return }
        let width = dinput.columns
        let scale = decoder.configuration.embeddingScale
        for row in 0..<batch.rowCount {
            let source = dinput.pointer + row * width
            let target = embedding.pointer + Int(batch.tokens[row]) * width
            for column in 0..<width { target[column] += scale * source[column] }
            if let positions = parameters.positionGradient {
                let place = positions.pointer + Int(batch.positions[row]) * width
                for column in 0..<width { place[column] += source[column] }
            }
        }
    }

    private func gather(
        _ rows: Kernels.LogitStatistics, _ batch: PackedBatch, _ sequences: [TrainingSequence]
    ) -> BatchStatistics {
        var result = BatchStatistics(nll: [], isCorrect: [])
        for (index, sequence) in sequences.enumerated() {
            let start = batch.rows(index).lowerBound
            result.nll.append(sequence.targetRows.map { rows.nll[start + $0] })
            let labels = sequence.labels
            result.isCorrect.append(sequence.targetRows.map { rows.argmax[start + $0] == labels[$0] })
        }
        return result
    }

    private func padded(_ values: [Float], _ range: Range<Int>) -> [Float] {
        range.map { $0 < values.count ? values[$0] : 0 }
    }

    /// The label of every row of the batch; nil at a sequence's last row.
    private func targets(_ sequences: [TrainingSequence]) -> [Int32?] {
        sequences.flatMap { sequence in
            sequence.ids.isEmpty ? [] : sequence.labels.map { Optional($0) } + [nil]
        }
    }
}

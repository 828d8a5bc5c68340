import LetheCore
import LetheModel
import LetheTensor

/// One forward and backward pass over packed sequences, adding to the gradients of the trained parameters.
public final class TrainingPass {
    private let decoder: Decoder
    private let parameters: TrainableParameters
    private let prefix: PrefixCache
    /// Whose head turns the reference states of a ``SequenceLoss`` to logits.
    public var reference: Decoder?
    /// Whether what later tokens ask of a sequence's first token stays out of the gradients; see
    /// `Decoder.backward(_:batch:layers:tapes:gradients:detachesSink:willVisit:didFind:didVisit:)`.
    package var detachesSink = false

    /// Prepares passes over a decoder whose trained parameters are already detached.
    public init(_ decoder: Decoder, parameters: TrainableParameters) {
        self.decoder = decoder
        self.parameters = parameters
        prefix = PrefixCache(decoder, lowestLayer: parameters.lowestLayer)
    }

    private init(_ decoder: Decoder, like other: TrainingPass) {
        self.decoder = decoder
        parameters = other.parameters
        prefix = other.prefix
        reference = other.reference
        detachesSink = other.detachesSink
    }

    /// The same passes with the trained matrices rounded to a format, as a deployment may round them; everything else is
    /// shared, and so are the gradients.
    ///
    /// An update that is small beside the step of the format vanishes when the matrices are rounded, and what it had
    /// suppressed comes back (Zhang et al. 2024, arXiv 2410.16454). Gradients at the rounded weights are meant for the
    /// exact ones, as if rounding were the identity: the straight-through estimator of Bengio et al. 2013 (arXiv
    /// 1308.3432). What they add up to in the exact weights is then large enough to change the rounded ones.
    ///
    /// Takes as much memory as the trained matrices in fp32.
    /// - Parameter model: whose decoder this pass runs over.
    /// - Throws: as `LanguageModel.rounded(to:layers:embeddings:)`.
    func rounded(_ model: LanguageModel, to format: WeightFormat) throws -> TrainingPass {
        TrainingPass(try model.rounded(to: format, layers: parameters.layers).decoder, like: self)
    }

    /// What the model says of the sequences now, without a gradient.
    /// - Throws: `limit_exceeded`, `bad_data` for sequences that do not fit the model.
    public func statistics(_ sequences: [TrainingSequence]) throws -> BatchStatistics {
        let batch = PackedBatch(sequences.map(\.ids))
        let hidden = try decoder.forward(
            prefix.state(batch), batch: batch, layers: parameters.lowestLayer..<decoder.configuration.layerCount)
        let counted = CountedRows(batch, sequences)
        let head = try OutputHead(decoder, hidden: counted.of(hidden))
        return BatchStatistics(try head.statistics(targets: counted.targets), counted)
    }

    /// Forward, then backward of the losses that `plan` gives each sequence after seeing the statistics. Where it gives
    /// none there is no backward.
    ///
    /// - Parameter didVisit: called with a trained layer when its gradients are complete and the pass has no more use
    ///   for its weights.
    /// - Returns: the statistics, which are those before any update, with the losses.
    /// - Throws: as ``statistics(_:)``, `usage` for an activation of a layer below the trained ones, and what `plan`
    ///   throws.
    @discardableResult
    public func run(
        _ sequences: [TrainingSequence], plan: (BatchStatistics) throws -> [SequenceLoss],
        didVisit: (Int) throws -> Void = { _ in }
    ) throws -> BatchStatistics {
        try run(sequences, plan: plan, gradients: { parameters.gradients($0) }, didVisit: didVisit)
    }

    /// Forward and backward without the gradients of any parameter of a layer.
    /// - Parameters:
    ///   - didRun: called with each trained layer and what its forward pass has kept, before the backward pass.
    ///   - didFind: called with a trained layer, the place of one of its matrices and the gradient at what that gives,
    ///     [T, out].
    /// - Throws: as ``run(_:plan:didVisit:)``.
    package func outputGradients(
        _ sequences: [TrainingSequence], plan: (BatchStatistics) throws -> [SequenceLoss],
        didRun: (Int, LayerTape) throws -> Void = { _, _ in }, didFind: (Int, Int, Matrix) throws -> Void
    ) throws {
        try run(sequences, plan: plan, gradients: { _ in nil }) { layer, tape in
            if parameters.gradients(layer) != nil { try didRun(layer, tape) }
        } didFind: { layer, place, gradient in
            if parameters.gradients(layer) != nil { try didFind(layer, place, gradient) }
        }
    }

    @discardableResult
    private func run(
        _ sequences: [TrainingSequence], plan: (BatchStatistics) throws -> [SequenceLoss],
        gradients: (Int) throws -> LayerGradients?,
        didRun: (Int, LayerTape) throws -> Void = { _, _ in },
        didFind: (Int, Int, Matrix) throws -> Void = { _, _, _ in },
        didVisit: (Int) throws -> Void = { _ in }
    ) throws -> BatchStatistics {
        let batch = PackedBatch(sequences.map(\.ids))
        let lowest = parameters.lowestLayer
        let layers = lowest..<decoder.configuration.layerCount
        let tapes = layers.map { _ in LayerTape() }
        let input = try prefix.state(batch)
        let hidden = try decoder.forward(input, batch: batch, layers: layers, tapes: tapes)
        for (layer, tape) in zip(layers, tapes) { try didRun(layer, tape) }
        let counted = CountedRows(batch, sequences)
        let head = try OutputHead(decoder, hidden: counted.of(hidden))
        let rowStatistics = try head.statistics(targets: counted.targets)
        var statistics = BatchStatistics(rowStatistics, counted)
        let losses = try plan(statistics)
        guard losses.count == sequences.count else {
            throw LetheError(.internalError, "a loss plan does not fit its batch")
        }
        if losses.allSatisfy(\.isNone) {
            statistics.losses = losses.map { _ in 0 }
            return statistics
        }
        let references = try losses.map { loss -> OutputHead? in
            switch loss {
            case .divergence(_, let states, _), .logits(_, let states?, _):
                return try OutputHead(reference ?? decoder, hidden: states)
            case .crossEntropy, .distributions, .logits, .activation, .none: return nil
            }
        }
        let activations = try activationGradients(
            losses, batch, outputs: tapes.dropFirst().map(\.input) + [hidden], lowest: lowest)
        let labels = sequences.flatMap { sequence in
            let labels = sequence.labels
            return sequence.targetRows.map { labels[$0] }
        }
        var values = activations.losses
        let gradient = try head.backward(
            headGradient: parameters.headGradient, headBiasGradient: parameters.headBiasGradient,
            finalNormGradient: parameters.finalNormGradient
        ) { rows, logits in
            for sequence in sequences.indices {
                let common = counted.rows(sequence).clamped(to: rows)
                guard !common.isEmpty else { continue }
                let inSequence =
                    sequences[sequence].targetRows.lowerBound + common.lowerBound - counted.rows(sequence).lowerBound
                let part = logits.rowRange(common.lowerBound - rows.lowerBound, common.count)
                let range = inSequence..<inSequence + common.count
                let rowLosses: [Float]
                let factors: [Float]
                switch losses[sequence] {
                case .none, .activation:
                    part.clear()
                    continue
                case .crossEntropy(let coefficients):
                    factors = padded(coefficients, range)
                    let logSumExp = Array(rowStatistics.logSumExp[common])
                    let targets = Array(labels[common])
                    rowLosses = logSumExp.indices.map { row in
                        logSumExp[row] - part.pointer[row * part.stride + Int(targets[row])]
                    }
                    Kernels.crossEntropyBackward(part, logSumExp: logSumExp, targets: targets, coefficients: factors)
                case .divergence(let kind, _, let coefficients):
                    guard let reference = references[sequence] else { continue }
                    factors = padded(coefficients, range)
                    rowLosses = Kernels.divergence(
                        kind, logits: part, reference: try reference.logits(range), coefficients: factors)
                case .distributions(let distributions, let coefficients, let targetCoefficients):
                    // The values come with their coefficients, of which there are two.
                    factors = Array(repeating: 1, count: range.count)
                    rowLosses = distributions.loss(
                        part, logSumExp: Array(rowStatistics.logSumExp[common]), range: range,
                        targets: Array(labels[common]), coefficients: padded(coefficients, range),
                        targetCoefficients: padded(targetCoefficients, range))
                case .logits(let loss, _, let coefficients):
                    factors = padded(coefficients, range)
                    rowLosses = try loss.apply(
                        part, reference: try references[sequence]?.logits(range), targets: Array(labels[common]),
                        coefficients: factors)
                }
                for (factor, loss) in zip(factors, rowLosses) where factor != 0 {
                    values[sequence] += Double(factor) * Double(loss)
                }
            }
        }
        let dinput = try decoder.backward(
            counted.spread(gradient), batch: batch, layers: layers, tapes: tapes, gradients: gradients,
            detachesSink: detachesSink,
            willVisit: { layer, gradient in
                if let added = activations.gradients[layer] { Kernels.add(added, to: gradient) }
            },
            didFind: didFind,
            didVisit: { layer in if parameters.gradients(layer) != nil { try didVisit(layer) } })
        addEmbeddingGradient(dinput, batch)
        statistics.losses = values
        return statistics
    }

    /// The gradient at the output of each layer that an activation loss looks at, [T, hidden], and those losses.
    private func activationGradients(
        _ losses: [SequenceLoss], _ batch: PackedBatch, outputs: [Matrix?], lowest: Int
    ) throws -> (gradients: [Int: Matrix], losses: [Double]) {
        var gradients: [Int: Matrix] = [:]
        var values = [Double](repeating: 0, count: losses.count)
        for (sequence, loss) in losses.enumerated() {
            guard case .activation(let layer, let target, let coefficients) = loss else { continue }
            guard layer >= lowest, layer - lowest < outputs.count, let output = outputs[layer - lowest] else {
                throw LetheError(.usage, "layer \(layer) is not among the layers of the pass, from \(lowest) on")
            }
            let rows = batch.rows(sequence)
            guard target.columns == output.columns, target.rows == 1 || target.rows == rows.count else {
                throw LetheError(.internalError, "an activation target does not fit its sequence")
            }
            let gradient = try gradients[layer] ?? Matrix(zeros: output.rows, columns: output.columns)
            gradients[layer] = gradient
            for (place, coefficient) in padded(coefficients, 0..<rows.count).enumerated() where coefficient != 0 {
                let row = rows.lowerBound + place
                let aim = target.pointer + (target.rows == 1 ? 0 : place * target.stride)
                var squares = 0.0
                for column in 0..<output.columns {
                    let difference = output.pointer[row * output.stride + column] - aim[column]
                    squares += Double(difference) * Double(difference)
                    gradient.pointer[row * gradient.stride + column] = 2 * coefficient * difference
                }
                values[sequence] += Double(coefficient) * squares
            }
        }
        return (gradients, values)
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

    private func padded(_ values: [Float], _ range: Range<Int>) -> [Float] {
        range.map { $0 < values.count ? values[$0] : 0 }
    }
}

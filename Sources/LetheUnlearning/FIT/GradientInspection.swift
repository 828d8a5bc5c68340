import Foundation
import LetheCore
import LetheModel
import LetheTensor

/// One backward pass of a text's mean NLL: FIT's importance score, and what the same pass says of each layer.
public struct GradientInspection: Sendable, Equatable {
    /// Mean NLL of tokens 2 to T, in nats.
    public var loss: Double
    /// What the model says of each sequence's tokens.
    public var statistics: BatchStatistics
    /// Frobenius norm of its gradient with respect to the input embeddings: the score s of FIT, section "importance".
    public var inputEmbeddingNorm: Double
    /// For each layer the norm of the gradient of its attention and MLP matrices together; empty unless asked for.
    public var layerNorms: [Double]
    /// For each layer a first-order estimate of the loss without it: loss - ⟨gradient at its output, what it added⟩.
    public var estimatedMaskedLosses: [Double]

    /// Runs the pass over the sequences' counted tokens, averaged over all of them.
    /// - Parameter withLayerNorms: also form every layer's weight gradients, one layer at a time.
    /// - Throws: `bad_data` without a token that counts, `limit_exceeded`.
    public init(_ model: LanguageModel, _ sequences: [TrainingSequence], withLayerNorms: Bool) throws {
        let decoder = model.decoder
        let batch = PackedBatch(sequences.map(\.ids))
        let count = sequences.reduce(0) { $0 + $1.targetCount }
        guard count > 0 else { throw LetheError(.badData, "the text has no token whose prediction counts") }
        let layers = 0..<decoder.configuration.layerCount
        let tapes = layers.map { _ in LayerTape() }
        let hidden = try decoder.forward(decoder.embed(batch), batch: batch, layers: layers, tapes: tapes)
        let counted = CountedRows(batch, sequences)
        let head = try OutputHead(decoder, hidden: counted.of(hidden))
        let statistics = try head.statistics(targets: counted.targets)
        loss = statistics.nll.reduce(0) { $0 + Double($1) } / Double(count)
        self.statistics = BatchStatistics(statistics, counted)
        let gradient = try head.backward { rows, logits in
            Kernels.crossEntropyBackward(
                logits, logSumExp: Array(statistics.logSumExp[rows]), targets: Array(counted.targets[rows]),
                coefficients: rows.map { _ in 1 / Float(count) })
        }
        var norms = [Double](repeating: 0, count: withLayerNorms ? layers.count : 0)
        var estimates = [Double](repeating: 0, count: layers.count)
        var current: LayerGradients?
        let inputs = tapes.map(\.input)
        let baseLoss = loss
        let dinput = try decoder.backward(
            counted.spread(gradient), batch: batch, layers: layers, tapes: tapes,
            gradients: { index in
                current =
                    withLayerNorms
                    ? try LayerGradients(zerosFor: decoder.weights.layers[index], norms: false) : nil
                return current
            },
            willVisit: { index, dy in
                guard let input = inputs[index] else { return }
                let output = index + 1 < inputs.count ? inputs[index + 1] ?? hidden : hidden
                estimates[index] = baseLoss - (Kernels.dot(dy, output) - Kernels.dot(dy, input))
            },
            didVisit: { index in
                if let current { norms[index] = current.matrixSumOfSquares.squareRoot() }
            })
        layerNorms = norms
        estimatedMaskedLosses = estimates
        inputEmbeddingNorm =
            Kernels.sumOfSquares(dinput).squareRoot() * Double(abs(decoder.configuration.embeddingScale))
    }
}

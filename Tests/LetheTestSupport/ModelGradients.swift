import LetheModel
import LetheTensor

/// Forward and backward of the mean NLL of packed sequences over every parameter of a model, with the engine's public
/// parts only, and the gradients taken apart again into the checkpoint's tensors.
package struct ModelGradients {
    /// Mean NLL over all tokens but each sequence's first.
    package let loss: Double
    /// -log p of each target, sequence ends left out.
    package let nll: [Float]
    /// At the decoder's input, [T, hidden].
    package let input: Matrix
    package let layers: [LayerGradients]
    private let tensors: GradientTensors

    package init(_ model: LanguageModel, _ sequences: [[Int32]]) throws {
        let decoder = model.decoder
        let configuration = model.configuration
        let batch = PackedBatch(sequences)
        let range = 0..<configuration.layerCount
        let tapes = range.map { _ in LayerTape() }
        let hidden = try decoder.forward(decoder.embed(batch), batch: batch, layers: range, tapes: tapes)
        let output = try OutputHead(decoder, hidden: hidden)
        let statistics = try output.statistics(targets: batch.nextTokens)
        let counted = batch.nextTokens.indices.filter { batch.nextTokens[$0] != nil }
        nll = counted.map { statistics.nll[$0] }
        loss = nll.reduce(0) { $0 + Double($1) } / Double(nll.count)
        let vocabulary = configuration.vocabularySize
        let embedding = try Matrix(zeros: vocabulary, columns: configuration.hiddenSize)
        let head = configuration.isTied ? nil : try Matrix(zeros: vocabulary, columns: configuration.hiddenSize)
        let headBias = configuration.hasHeadBias ? try FloatBuffer(zeros: vocabulary) : nil
        let norm = decoder.weights.finalNorm
        let finalNorm = try [norm.weight, norm.bias].compactMap { $0 }.map { try FloatBuffer(zeros: $0.count) }
        let share = 1 / Float(counted.count)
        let gradient = try output.backward(
            headGradient: head ?? embedding, headBiasGradient: headBias, finalNormGradient: finalNorm
        ) { rows, logits in
            Kernels.crossEntropyBackward(
                logits, logSumExp: Array(statistics.logSumExp[rows]), targets: batch.nextTokens[rows].map { $0 ?? 0 },
                coefficients: batch.nextTokens[rows].map { $0 == nil ? 0 : share })
        }
        let layers = try decoder.weights.layers.map { try LayerGradients(zerosFor: $0, norms: true) }
        input = try decoder.backward(
            gradient, batch: batch, layers: range, tapes: tapes, gradients: { layers[$0] })
        self.layers = layers
        let positions =
            configuration.hasLearnedPositions
            ? try Matrix(zeros: configuration.maximumPositions, columns: configuration.hiddenSize) : nil
        for row in 0..<batch.rowCount {
            for column in 0..<input.columns {
                let value = input.pointer[row * input.stride + column]
                embedding.pointer[Int(batch.tokens[row]) * input.columns + column] +=
                    configuration.embeddingScale * value
                positions?.pointer[Int(batch.positions[row]) * input.columns + column] += value
            }
        }
        tensors = GradientTensors(
            model: model, layers: layers, embedding: embedding, positions: positions, head: head, headBias: headBias,
            finalNorm: finalNorm)
    }

    /// The gradient of a tensor of the checkpoint, row-major in the checkpoint's shape.
    package func values(_ slot: TensorSlot) -> [Float] { tensors.values(slot) }
}

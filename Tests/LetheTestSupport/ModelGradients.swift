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
    private let model: LanguageModel
    private let embedding: Matrix
    private let positions: Matrix?
    private let head: Matrix?
    private let headBias: FloatBuffer?
    private let finalNorm: [FloatBuffer]

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
        headBias = configuration.hasHeadBias ? try FloatBuffer(zeros: vocabulary) : nil
        let norm = decoder.weights.finalNorm
        finalNorm = try [norm.weight, norm.bias].compactMap { $0 }.map { try FloatBuffer(zeros: $0.count) }
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
        positions =
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
        self.embedding = embedding
        self.head = head
        self.model = model
    }

    /// The gradient of a tensor of the checkpoint, row-major in the checkpoint's shape.
    package func values(_ slot: TensorSlot) -> [Float] {
        let (pointer, columns) = memory(slot.place)
        let outputs = slot.isTransposed ? slot.shape[1] : slot.shape[0]
        let inputs = slot.count / outputs
        var values = [Float](repeating: .nan, count: slot.count)
        for output in 0..<outputs {
            let row =
                switch slot.rows {
                case .from(let first): first + output
                case .table(let table): table[output]
                }
            for input in 0..<inputs {
                let place = slot.isTransposed ? input * outputs + output : output * inputs + input
                values[place] = pointer[row * columns + input]
            }
        }
        return values
    }

    private func memory(_ place: ParameterPlace) -> (UnsafeMutablePointer<Float>, columns: Int) {
        switch place {
        case .embedding: return (embedding.pointer, embedding.columns)
        case .positions: return (unwrap(positions).pointer, unwrap(positions).columns)
        case .finalNormWeight: return (finalNorm[0].pointer, 1)
        case .finalNormBias: return (finalNorm[1].pointer, 1)
        case .head: return (unwrap(head).pointer, unwrap(head).columns)
        case .headBias: return (unwrap(headBias).pointer, 1)
        case .layer(let index, let place): return memory(index, place)
        }
    }

    private func memory(_ index: Int, _ place: LayerPlace) -> (UnsafeMutablePointer<Float>, columns: Int) {
        let gradients = layers[index]
        let weights = model.decoder.weights.layers[index]
        func matrix(_ number: Int) -> (UnsafeMutablePointer<Float>, columns: Int) {
            (gradients.matrices[number].pointer, gradients.matrices[number].columns)
        }
        func bias(_ number: Int) -> (UnsafeMutablePointer<Float>, columns: Int) {
            (unwrap(gradients.biases[number]).pointer, 1)
        }
        func vector(_ buffer: FloatBuffer?) -> (UnsafeMutablePointer<Float>, columns: Int) {
            let number = weights.normVectors.firstIndex { $0 === unwrap(buffer) }
            return (gradients.normVectors[unwrap(number)].pointer, 1)
        }
        return switch place {
        case .queryKeyValue: matrix(0)
        case .output: matrix(1)
        case .gateUp: matrix(2)
        case .down: matrix(3)
        case .queryKeyValueBias: bias(0)
        case .outputBias: bias(1)
        case .gateUpBias: bias(2)
        case .downBias: bias(3)
        case .attentionNormWeight: vector(weights.attentionNorm.weight)
        case .attentionNormBias: vector(weights.attentionNorm.bias)
        case .postAttentionNormWeight: vector(weights.postAttentionNorm?.weight)
        case .mlpNormWeight: vector(weights.mlpNorm?.weight)
        case .mlpNormBias: vector(weights.mlpNorm?.bias)
        case .postMLPNormWeight: vector(weights.postMLPNorm?.weight)
        case .queryNormWeight: vector(weights.queryNorm?.weight)
        case .keyNormWeight: vector(weights.keyNorm?.weight)
        }
    }

    private func unwrap<Value>(_ value: Value?) -> Value {
        guard let value else { preconditionFailure("a slot points at a parameter that the model does not have") }
        return value
    }
}

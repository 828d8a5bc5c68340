import LetheModel
import LetheTensor

/// The gradients of every parameter of a model, taken apart into the checkpoint's tensors.
package struct GradientTensors {
    private let model: LanguageModel
    private let layers: [LayerGradients]
    private let embedding: Matrix
    private let positions: Matrix?
    private let head: Matrix?
    private let headBias: FloatBuffer?
    private let finalNorm: [FloatBuffer]

    package init(
        model: LanguageModel, layers: [LayerGradients], embedding: Matrix, positions: Matrix?, head: Matrix?,
        headBias: FloatBuffer?, finalNorm: [FloatBuffer]
    ) {
        self.model = model
        self.layers = layers
        self.embedding = embedding
        self.positions = positions
        self.head = head
        self.headBias = headBias
        self.finalNorm = finalNorm
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

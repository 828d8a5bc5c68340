import LetheCore
import LetheModel
import LetheTensor

/// The parameters that an update changes, their gradients, and their order.
///
/// Making one detaches the chosen layers of the decoder, so that other models which shared them keep theirs.
public final class TrainableParameters {
    /// What may change.
    public enum Scope: Sendable, Equatable {
        /// Attention and MLP matrices, with their biases, of some layers.
        case matrices(layers: [Int])
        /// Every parameter of the model.
        case all
    }

    /// One tensor's memory.
    struct Tensor {
        let value: UnsafeMutablePointer<Float>
        let gradient: UnsafeMutablePointer<Float>
        let count: Int
        /// Norms and biases are not decayed, as is usual.
        let isDecayed: Bool
    }

    /// Parameters that are updated together.
    enum Group: Hashable {
        case layer(Int)
        /// Embedding, positions, final norm and head.
        case ends
    }

    /// What may change.
    public let scope: Scope
    /// Whether memory is short, as it is for models that are kept in bfloat16: then the optimiser's moments are rounded.
    let isCompact: Bool
    private let decoder: Decoder
    private var layerGradients: [Int: LayerGradients] = [:]
    private var distinctGradients: [LayerGradients] = []
    package let headGradient: Matrix?
    package let headBiasGradient: FloatBuffer?
    package let embeddingGradient: Matrix?
    package let positionGradient: Matrix?
    package let finalNormGradient: [FloatBuffer]

    /// Detaches the parameters and makes zero gradients.
    /// - Parameter sharesGradients: whether layers of one shape have one memory for their gradients, which has to be
    ///   used and cleared before the pass goes on to the next layer.
    /// - Throws: `usage` for a layer that the model does not have, `limit_exceeded`.
    public init(_ decoder: Decoder, scope: Scope, sharesGradients: Bool = false) throws {
        self.decoder = decoder
        isCompact = decoder.weights.hasFrozenMatrices
        // What earlier phases have left in the pool and of mapped files would stand beside the copies.
        if isCompact {
            BufferPool.shared.trim()
            decoder.weights.releasePages()
        }
        self.scope = scope
        let configuration = decoder.configuration
        let layers: [Int]
        switch scope {
        case .matrices(let chosen):
            layers = Array(Set(chosen)).sorted()
            embeddingGradient = nil
            headGradient = nil
            headBiasGradient = nil
            positionGradient = nil
            finalNormGradient = []
        case .all:
            layers = Array(0..<configuration.layerCount)
            try decoder.weights.detachEnds()
            let vocabulary = configuration.vocabularySize
            let embedding = try Matrix(zeros: vocabulary, columns: configuration.hiddenSize)
            embeddingGradient = embedding
            headGradient =
                configuration.isTied
                ? embedding : try Matrix(zeros: vocabulary, columns: configuration.hiddenSize)
            headBiasGradient = try decoder.weights.headBias.map { try FloatBuffer(zeros: $0.count) }
            positionGradient = try decoder.weights.positions.map { try Matrix(zeros: $0.rows, columns: $0.columns) }
            let norm = decoder.weights.finalNorm
            finalNormGradient = try [norm.weight, norm.bias].compactMap { $0 }.map { try FloatBuffer(zeros: $0.count) }
        }
        for layer in layers {
            guard layer >= 0, layer < configuration.layerCount else {
                throw LetheError(.usage, "layer \(layer); the model has \(configuration.layerCount)")
            }
            try decoder.weights.detachLayer(layer)
            let weights = decoder.weights.layers[layer]
            if sharesGradients, let gradients = distinctGradients.first(where: { $0.fits(weights) }) {
                layerGradients[layer] = gradients
            } else {
                let gradients = try LayerGradients(zerosFor: weights, norms: scope == .all)
                layerGradients[layer] = gradients
                distinctGradients.append(gradients)
            }
        }
    }

    /// The trained layers, ascending.
    public var layers: [Int] { layerGradients.keys.sorted() }

    /// The lowest layer whose input still matters for a gradient: below it nothing changes.
    public var lowestLayer: Int { scope == .all ? 0 : layers.first ?? decoder.configuration.layerCount }

    /// Gradients of a layer, nil when it is frozen.
    public func gradients(_ layer: Int) -> LayerGradients? { layerGradients[layer] }

    /// Sets every gradient to zero.
    public func clearGradients() {
        for gradients in distinctGradients { gradients.clear() }
        embeddingGradient?.clear()
        if !decoder.configuration.isTied { headGradient?.clear() }
        headBiasGradient?.clear()
        positionGradient?.clear()
        for vector in finalNormGradient { vector.clear() }
    }

    /// All groups, always in the same order.
    var groups: [Group] { layers.map { .layer($0) } + (scope == .all ? [.ends] : []) }

    /// Tells a group's matrices that their values were changed.
    func valuesChanged(_ group: Group) {
        switch group {
        case .layer(let layer): for matrix in decoder.weights.layers[layer].matrices { matrix.valuesChanged() }
        case .ends:
            decoder.weights.embedding.valuesChanged()
            decoder.weights.separateHead?.valuesChanged()
        }
    }

    /// A group's tensors, always in the same order.
    func tensors(_ group: Group) throws -> [Tensor] {
        var tensors: [Tensor] = []
        func add(_ weight: WeightMatrix, _ gradient: Matrix) throws {
            tensors.append(
                Tensor(value: try weight.values(), gradient: gradient.pointer, count: weight.count, isDecayed: true))
        }
        func add(_ vector: FloatBuffer, _ gradient: FloatBuffer) {
            tensors.append(
                Tensor(value: vector.pointer, gradient: gradient.pointer, count: vector.count, isDecayed: false))
        }
        if case .layer(let index) = group {
            guard let gradients = layerGradients[index] else { return [] }
            let layer = decoder.weights.layers[index]
            for (weight, gradient) in zip(layer.matrices, gradients.matrices) { try add(weight, gradient) }
            for (bias, gradient) in zip(layer.biases, gradients.biases) {
                if let bias, let gradient { add(bias, gradient) }
            }
            for (vector, gradient) in zip(layer.normVectors, gradients.normVectors) { add(vector, gradient) }
            return tensors
        }
        if let embeddingGradient { try add(decoder.weights.embedding, embeddingGradient) }
        if let separate = decoder.weights.separateHead, let headGradient { try add(separate, headGradient) }
        if let bias = decoder.weights.headBias, let headBiasGradient { add(bias, headBiasGradient) }
        if let positions = decoder.weights.positions, let positionGradient { try add(positions, positionGradient) }
        let norm = decoder.weights.finalNorm
        for (vector, gradient) in zip([norm.weight, norm.bias].compactMap({ $0 }), finalNormGradient) {
            add(vector, gradient)
        }
        return tensors
    }
}

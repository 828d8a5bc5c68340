import LetheTensor

/// Where a parameter lives in ``DecoderWeights``.
public enum ParameterPlace: Sendable, Hashable {
    case embedding, positions, finalNormWeight, finalNormBias, head, headBias
    case layer(Int, LayerPlace)

    /// The decoder layer that the parameter belongs to; nil at the ends of the model.
    public var layer: Int? {
        if case .layer(let index, _) = self { index } else { nil }
    }
}

/// Where a parameter lives in ``LayerWeights``.
public enum LayerPlace: Sendable, Hashable, CaseIterable {
    case attentionNormWeight, attentionNormBias, postAttentionNormWeight, mlpNormWeight, mlpNormBias
    case postMLPNormWeight, queryNormWeight, keyNormWeight
    case queryKeyValue, queryKeyValueBias, output, outputBias, gateUp, gateUpBias, down, downBias
}

/// A parameter's memory as a matrix; vectors are [n, 1].
struct ParameterView {
    let pointer: UnsafeMutablePointer<Float>
    let rows: Int
    let columns: Int
    /// Keeps the memory.
    let owner: FloatBuffer

    /// A matrix's memory; of a frozen bfloat16 matrix a widened copy, for reading only.
    init(_ weight: WeightMatrix) throws {
        owner = try weight.widened(copying: false)
        pointer = owner.pointer
        rows = weight.rows
        columns = weight.columns
    }

    init(_ vector: FloatBuffer) {
        owner = vector
        pointer = vector.pointer
        rows = vector.count
        columns = 1
    }
}

extension DecoderWeights {
    /// A parameter that is a matrix; nil for vectors and where this model has no such parameter.
    func matrix(_ place: ParameterPlace) -> WeightMatrix? {
        switch place {
        case .embedding: return embedding
        case .positions: return positions
        case .head: return separateHead
        case .layer(let index, .queryKeyValue): return layers[index].queryKeyValue
        case .layer(let index, .output): return layers[index].output
        case .layer(let index, .gateUp): return layers[index].gateUp
        case .layer(let index, .down): return layers[index].down
        default: return nil
        }
    }

    private var matrices: [WeightMatrix] {
        [embedding, positions, separateHead].compactMap { $0 } + layers.flatMap(\.matrices)
    }

    /// Whether any matrix is kept in bfloat16, as those of models too large for fp32 are.
    public var hasFrozenMatrices: Bool { matrices.contains { !$0.isFloat32 } }

    /// Takes the pages of mapped matrices out of the process's resident memory; they come back with the next use.
    public func releasePages() { for matrix in matrices { matrix.releasePages() } }

    /// A parameter's memory, of a frozen bfloat16 matrix a widened copy; nil where this model has no such parameter.
    /// - Throws: `limit_exceeded`.
    func view(_ place: ParameterPlace) throws -> ParameterView? {
        switch place {
        case .embedding: return try ParameterView(embedding)
        case .positions: return try positions.map(ParameterView.init)
        case .finalNormWeight: return ParameterView(finalNorm.weight)
        case .finalNormBias: return finalNorm.bias.map(ParameterView.init)
        case .head: return try separateHead.map(ParameterView.init)
        case .headBias: return headBias.map(ParameterView.init)
        case .layer(let index, let place):
            let layer = layers[index]
            switch place {
            case .attentionNormWeight: return ParameterView(layer.attentionNorm.weight)
            case .attentionNormBias: return layer.attentionNorm.bias.map(ParameterView.init)
            case .postAttentionNormWeight: return layer.postAttentionNorm.map { ParameterView($0.weight) }
            case .mlpNormWeight: return layer.mlpNorm.map { ParameterView($0.weight) }
            case .mlpNormBias: return layer.mlpNorm?.bias.map(ParameterView.init)
            case .postMLPNormWeight: return layer.postMLPNorm.map { ParameterView($0.weight) }
            case .queryNormWeight: return layer.queryNorm.map { ParameterView($0.weight) }
            case .keyNormWeight: return layer.keyNorm.map { ParameterView($0.weight) }
            case .queryKeyValue: return try ParameterView(layer.queryKeyValue)
            case .queryKeyValueBias: return layer.queryKeyValueBias.map(ParameterView.init)
            case .output: return try ParameterView(layer.output)
            case .outputBias: return layer.outputBias.map(ParameterView.init)
            case .gateUp: return try ParameterView(layer.gateUp)
            case .gateUpBias: return layer.gateUpBias.map(ParameterView.init)
            case .down: return try ParameterView(layer.down)
            case .downBias: return layer.downBias.map(ParameterView.init)
            }
        }
    }
}

extension DecoderWeights {
    /// Uninitialised parameters of the shapes that a configuration asks for.
    /// - Parameter frozen: gives the matrices that are not to be fp32.
    /// - Throws: `limit_exceeded` without memory, what `frozen` throws.
    init(
        allocating c: DecoderConfiguration,
        frozen: (ParameterPlace, _ rows: Int, _ columns: Int) throws -> WeightMatrix? = { _, _, _ in nil }
    ) throws {
        func norm(_ size: Int, bias: Bool) throws -> NormWeights {
            NormWeights(weight: try FloatBuffer(count: size), bias: bias ? try FloatBuffer(count: size) : nil)
        }
        func weight(_ place: ParameterPlace, _ rows: Int, _ columns: Int) throws -> WeightMatrix {
            if let matrix = try frozen(place, rows, columns) { return matrix }
            let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
            return WeightMatrix(try FloatBuffer(count: overflow ? -1 : count), rows: rows, columns: columns)
        }
        let isLayerNorm = c.norm == .layer
        let gateRows = c.isGated ? 2 * c.intermediateSize : c.intermediateSize
        embedding = try weight(.embedding, c.vocabularySize, c.hiddenSize)
        positions = c.hasLearnedPositions ? try weight(.positions, c.maximumPositions, c.hiddenSize) : nil
        layers = try (0..<c.layerCount).map { index in
            LayerWeights(
                attentionNorm: try norm(c.hiddenSize, bias: isLayerNorm),
                postAttentionNorm: c.hasPostNorms ? try norm(c.hiddenSize, bias: false) : nil,
                mlpNorm: c.residual == .parallelSharedNorm ? nil : try norm(c.hiddenSize, bias: isLayerNorm),
                postMLPNorm: c.hasPostNorms ? try norm(c.hiddenSize, bias: false) : nil,
                queryNorm: c.hasHeadNorms ? try norm(c.headSize, bias: false) : nil,
                keyNorm: c.hasHeadNorms ? try norm(c.headSize, bias: false) : nil,
                queryKeyValue: try weight(.layer(index, .queryKeyValue), c.queryKeyValueSize, c.hiddenSize),
                queryKeyValueBias: c.hasAttentionBias ? try FloatBuffer(count: c.queryKeyValueSize) : nil,
                output: try weight(.layer(index, .output), c.hiddenSize, c.headCount * c.headSize),
                outputBias: c.hasOutputBias ? try FloatBuffer(count: c.hiddenSize) : nil,
                gateUp: try weight(.layer(index, .gateUp), gateRows, c.hiddenSize),
                gateUpBias: c.hasMLPBias ? try FloatBuffer(count: gateRows) : nil,
                down: try weight(.layer(index, .down), c.hiddenSize, c.intermediateSize),
                downBias: c.hasMLPBias ? try FloatBuffer(count: c.hiddenSize) : nil)
        }
        finalNorm = try norm(c.hiddenSize, bias: isLayerNorm)
        separateHead = c.isTied ? nil : try weight(.head, c.vocabularySize, c.hiddenSize)
        headBias = c.hasHeadBias ? try FloatBuffer(count: c.vocabularySize) : nil
    }
}

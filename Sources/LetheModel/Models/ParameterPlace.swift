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

    init(_ weight: WeightMatrix) throws {
        pointer = try weight.values()
        rows = weight.rows
        columns = weight.columns
    }

    init(_ vector: FloatBuffer) {
        pointer = vector.pointer
        rows = vector.count
        columns = 1
    }
}

extension DecoderWeights {
    /// A parameter's memory; nil where this model has no such parameter.
    /// - Throws: `unsupported` for a frozen bfloat16 weight.
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
    /// - Throws: `limit_exceeded` without memory.
    init(allocating c: DecoderConfiguration) throws {
        func norm(_ size: Int, bias: Bool) throws -> NormWeights {
            NormWeights(weight: try FloatBuffer(count: size), bias: bias ? try FloatBuffer(count: size) : nil)
        }
        func weight(_ rows: Int, _ columns: Int) throws -> WeightMatrix {
            let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
            return WeightMatrix(try FloatBuffer(count: overflow ? -1 : count), rows: rows, columns: columns)
        }
        let isLayerNorm = c.norm == .layer
        let gateRows = c.isGated ? 2 * c.intermediateSize : c.intermediateSize
        embedding = try weight(c.vocabularySize, c.hiddenSize)
        positions = c.hasLearnedPositions ? try weight(c.maximumPositions, c.hiddenSize) : nil
        layers = try (0..<c.layerCount).map { _ in
            LayerWeights(
                attentionNorm: try norm(c.hiddenSize, bias: isLayerNorm),
                postAttentionNorm: c.hasPostNorms ? try norm(c.hiddenSize, bias: false) : nil,
                mlpNorm: c.residual == .parallelSharedNorm ? nil : try norm(c.hiddenSize, bias: isLayerNorm),
                postMLPNorm: c.hasPostNorms ? try norm(c.hiddenSize, bias: false) : nil,
                queryNorm: c.hasHeadNorms ? try norm(c.headSize, bias: false) : nil,
                keyNorm: c.hasHeadNorms ? try norm(c.headSize, bias: false) : nil,
                queryKeyValue: try weight(c.queryKeyValueSize, c.hiddenSize),
                queryKeyValueBias: c.hasAttentionBias ? try FloatBuffer(count: c.queryKeyValueSize) : nil,
                output: try weight(c.hiddenSize, c.headCount * c.headSize),
                outputBias: c.hasOutputBias ? try FloatBuffer(count: c.hiddenSize) : nil,
                gateUp: try weight(gateRows, c.hiddenSize),
                gateUpBias: c.hasMLPBias ? try FloatBuffer(count: gateRows) : nil,
                down: try weight(c.hiddenSize, c.intermediateSize),
                downBias: c.hasMLPBias ? try FloatBuffer(count: c.hiddenSize) : nil)
        }
        finalNorm = try norm(c.hiddenSize, bias: isLayerNorm)
        separateHead = c.isTied ? nil : try weight(c.vocabularySize, c.hiddenSize)
        headBias = c.hasHeadBias ? try FloatBuffer(count: c.vocabularySize) : nil
    }
}

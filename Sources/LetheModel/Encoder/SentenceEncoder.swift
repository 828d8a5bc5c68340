import Foundation
import LetheCore
import LetheTensor
import LetheTokenizers

/// A BERT encoder (Devlin et al. 2019) with mean pooling over all tokens and L2 normalisation, as the
/// sentence-transformers models of Reimers and Gurevych 2019 use it.
///
/// Not Sendable: one owner runs it.
public final class SentenceEncoder {
    /// Elements of a sentence vector.
    public let dimension: Int
    /// Longest text in tokens, special tokens included; longer ones are cut.
    public let maximumTokens: Int
    /// Names the space of the vectors: architecture, layers and size.
    public let identity: String

    private struct Layer {
        let queryKeyValue: WeightMatrix
        let queryKeyValueBias: FloatBuffer
        let output: WeightMatrix
        let outputBias: FloatBuffer
        let attentionNorm: NormWeights
        let intermediate: WeightMatrix
        let intermediateBias: FloatBuffer
        let down: WeightMatrix
        let downBias: FloatBuffer
        let outputNorm: NormWeights
    }

    private let tokenizer: any Tokenizer
    private let heads: Int
    private let epsilon: Float
    private let activation: Activation
    private let words: WeightMatrix
    private let positions: WeightMatrix
    private let types: WeightMatrix
    private let embeddingNorm: NormWeights
    private let layers: [Layer]

    /// Reads a Hugging Face folder: config.json, model.safetensors, tokenizer.json, and, where it is,
    /// sentence_bert_config.json for the length limit.
    /// - Throws: `missing_input`, `bad_data` or `unsupported` naming the field or the tensor.
    public init(_ folder: URL) throws {
        let config = try ModelConfigReader(ModelLoader.document(folder, "config.json"))
        guard try config.modelType() == "bert" else {
            throw LetheError(.unsupported, "config.json: the sentence encoder must be of model_type bert")
        }
        let hidden = try config.size("hidden_size")
        let headCount = try config.size("num_attention_heads")
        let layerCount = try config.size("num_hidden_layers")
        let intermediate = try config.size("intermediate_size")
        let positionCount = try config.size("max_position_embeddings")
        guard hidden <= 1 << 14, headCount <= 512, hidden % headCount == 0, layerCount <= 256, intermediate <= 1 << 16
        else {
            throw LetheError(.limitExceeded, "config.json: the encoder's sizes are out of range")
        }
        if let type = try config.string("position_embedding_type"), type != "absolute" {
            throw LetheError(.unsupported, "config.json: position_embedding_type must be absolute")
        }
        dimension = hidden
        heads = headCount
        epsilon = Float(try config.number("layer_norm_eps") ?? 1e-12)
        activation = try config.activation("hidden_act", default: "gelu")
        var limit = positionCount
        if FileManager.default.fileExists(atPath: folder.appendingPathComponent("sentence_bert_config.json").path) {
            let sentence = try ModelConfigReader(ModelLoader.document(folder, "sentence_bert_config.json"))
            limit = min(limit, try sentence.optionalSize("max_seq_length") ?? limit)
        }
        maximumTokens = max(2, limit)
        identity = "bert-\(layerCount)x\(hidden)-mean"
        tokenizer = try TokenizerLoader.tokenizerJSON(ModelLoader.data(folder, "tokenizer.json"))

        let checkpoint = try Checkpoint.open(folder)
        let prefix = checkpoint.info("bert.embeddings.word_embeddings.weight") == nil ? "" : "bert."
        func buffer(_ name: String, _ shape: [Int], into target: FloatBuffer? = nil, at offset: Int = 0) throws
            -> FloatBuffer
        {
            guard let info = checkpoint.info(prefix + name) else {
                throw LetheError(.badData, "tensor \(prefix + name) is missing")
            }
            guard info.shape == shape else {
                throw LetheError(.badData, "tensor \(prefix + name) has shape \(info.shape); expected \(shape)")
            }
            let buffer = try target ?? FloatBuffer(count: info.elementCount)
            try checkpoint.readFloat32(
                prefix + name,
                into: UnsafeMutableBufferPointer(start: buffer.pointer + offset, count: info.elementCount))
            return buffer
        }
        func matrix(_ name: String, _ rows: Int, _ columns: Int) throws -> WeightMatrix {
            WeightMatrix(try buffer(name, [rows, columns]), rows: rows, columns: columns)
        }
        func norm(_ name: String) throws -> NormWeights {
            NormWeights(weight: try buffer(name + ".weight", [hidden]), bias: try buffer(name + ".bias", [hidden]))
        }
        let vocabulary = try config.size("vocab_size")
        guard tokenizer.vocabularySize <= vocabulary else {
            throw LetheError(.badData, "the encoder's tokenizer has more ids than its vocab_size")
        }
        words = try matrix("embeddings.word_embeddings.weight", vocabulary, hidden)
        positions = try matrix("embeddings.position_embeddings.weight", positionCount, hidden)
        types = try matrix(
            "embeddings.token_type_embeddings.weight", try config.optionalSize("type_vocab_size") ?? 2, hidden)
        embeddingNorm = try norm("embeddings.LayerNorm")
        layers = try (0..<layerCount).map { index in
            let layer = "encoder.layer.\(index)."
            let fused = try FloatBuffer(count: 3 * hidden * hidden)
            let fusedBias = try FloatBuffer(count: 3 * hidden)
            for (part, name) in ["query", "key", "value"].enumerated() {
                let place = layer + "attention.self.\(name)"
                _ = try buffer(place + ".weight", [hidden, hidden], into: fused, at: part * hidden * hidden)
                _ = try buffer(place + ".bias", [hidden], into: fusedBias, at: part * hidden)
            }
            return Layer(
                queryKeyValue: WeightMatrix(fused, rows: 3 * hidden, columns: hidden), queryKeyValueBias: fusedBias,
                output: try matrix(layer + "attention.output.dense.weight", hidden, hidden),
                outputBias: try buffer(layer + "attention.output.dense.bias", [hidden]),
                attentionNorm: try norm(layer + "attention.output.LayerNorm"),
                intermediate: try matrix(layer + "intermediate.dense.weight", intermediate, hidden),
                intermediateBias: try buffer(layer + "intermediate.dense.bias", [intermediate]),
                down: try matrix(layer + "output.dense.weight", hidden, intermediate),
                downBias: try buffer(layer + "output.dense.bias", [hidden]),
                outputNorm: try norm(layer + "output.LayerNorm"))
        }
    }

    /// Ids of a text with the special tokens around it, cut to ``maximumTokens``; the closing token stays.
    /// - Throws: what the tokenizer throws.
    public func encode(_ text: String) throws -> [Int32] {
        let ids = try tokenizer.encode(text, addSpecialTokens: true)
        guard ids.count > maximumTokens, let last = ids.last else { return ids }
        return Array(ids.prefix(maximumTokens - 1)) + [last]
    }

    /// One L2-normalised vector a sequence, [sequences][dimension].
    /// - Throws: `bad_data` for an empty sequence or an id outside the vocabulary, `limit_exceeded`.
    public func embed(_ sequences: [[Int32]]) throws -> [[Float]] {
        // Packed in groups, so that activations stay small.
        var vectors: [[Float]] = []
        var group: [[Int32]] = []
        for sequence in sequences {
            guard !sequence.isEmpty, sequence.count <= maximumTokens,
                sequence.allSatisfy({ $0 >= 0 && Int($0) < words.rows })
            else { throw LetheError(.badData, "a sequence is empty, too long, or has an id outside the vocabulary") }
            if group.reduce(0, { $0 + $1.count }) + sequence.count > 4096, !group.isEmpty {
                vectors += try embedPacked(PackedBatch(group))
                group = []
            }
            group.append(sequence)
        }
        if !group.isEmpty { vectors += try embedPacked(PackedBatch(group)) }
        return vectors
    }

    private func embedPacked(_ batch: PackedBatch) throws -> [[Float]] {
        let rows = batch.rowCount
        let sum = try Matrix(rows: rows, columns: dimension)
        let position = try Matrix(rows: 1, columns: dimension)
        let type = try Matrix(rows: 1, columns: dimension)
        types.copyRow(0, to: type.pointer)
        for row in 0..<rows {
            words.copyRow(Int(batch.tokens[row]), to: sum.pointer + row * dimension)
            positions.copyRow(Int(batch.positions[row]), to: position.pointer)
            Kernels.add(position, to: sum.rowRange(row, 1))
            Kernels.add(type, to: sum.rowRange(row, 1))
        }
        let mean = try FloatBuffer(count: rows)
        let rstd = try FloatBuffer(count: rows)
        func normalise(_ x: Matrix, _ norm: NormWeights) throws -> Matrix {
            let y = try Matrix(rows: rows, columns: dimension)
            Kernels.layerNorm(
                x, weight: norm.weight, bias: norm.bias, epsilon: epsilon, into: y, mean: mean, rstd: rstd)
            return y
        }
        var state = try normalise(sum, embeddingNorm)
        var shape = AttentionShape(
            queryHeads: heads, keyValueHeads: heads, headSize: dimension / heads,
            scale: 1 / Float(dimension / heads).squareRoot())
        shape.isCausal = false
        let logSumExp = try FloatBuffer(count: rows * heads)
        for layer in layers {
            let queryKeyValue = try Matrix(rows: rows, columns: 3 * dimension)
            try Linear.forward(state, layer.queryKeyValue, into: queryKeyValue)
            Kernels.addBias(layer.queryKeyValueBias, to: queryKeyValue)
            let attended = try Matrix(rows: rows, columns: dimension)
            try Kernels.attention(
                q: queryKeyValue.columnRange(0, dimension), k: queryKeyValue.columnRange(dimension, dimension),
                v: queryKeyValue.columnRange(2 * dimension, dimension), shape: shape, offsets: batch.offsets,
                into: attended, logSumExp: logSumExp)
            try Linear.forward(attended, layer.output, into: state, accumulate: true)
            Kernels.addBias(layer.outputBias, to: state)
            state = try normalise(state, layer.attentionNorm)
            let wide = try Matrix(rows: rows, columns: layer.intermediate.rows)
            try Linear.forward(state, layer.intermediate, into: wide)
            Kernels.addBias(layer.intermediateBias, to: wide)
            let activated = try Matrix(rows: rows, columns: wide.columns)
            Kernels.activate(wide, activation: activation, into: activated)
            try Linear.forward(activated, layer.down, into: state, accumulate: true)
            Kernels.addBias(layer.downBias, to: state)
            state = try normalise(state, layer.outputNorm)
        }
        return (0..<batch.sequenceCount).map { sequence in
            let range = batch.rows(sequence)
            return UnitVector.mean(state.rowRange(range.lowerBound, range.count))
        }
    }
}

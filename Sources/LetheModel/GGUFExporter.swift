import Foundation
import LetheCore
import LetheTensor
import LetheTokenizers

/// Writes a model as a GGUF file that llama.cpp and `transformers` read.
public enum GGUFExporter {
    /// How matrices are stored. Norms and biases are always F32.
    public enum WeightType: String, Sendable, CaseIterable {
        case f32, f16
        /// 32 values share a scale; a matrix whose rows are no multiple of that is stored as F16.
        case q8_0

        /// `general.file_type`, as llama.cpp counts.
        var fileType: UInt32 { self == .f32 ? 0 : self == .f16 ? 1 : 7 }

        func type(columns: Int) -> GGMLType {
            switch self {
            case .f32: .f32
            case .f16: .f16
            case .q8_0: columns % 32 == 0 ? .q8_0 : .f16
            }
        }
    }

    /// Writes one file, which must not exist yet; it appears under its name only when it is complete.
    /// - Throws: `conflict` when the file exists, `unsupported` naming what GGUF's llama architecture has no place for
    ///   and for values that the type does not hold, `disk_full`, `io_error`.
    public static func export(_ model: LanguageModel, to url: URL, type: WeightType) throws {
        guard !FileManager.default.fileExists(atPath: url.path) else {
            throw LetheError(.conflict, "the output file exists already")
        }
        let c = model.configuration
        try check(c)
        let slots = LlamaGGUF.slots(c)
        func stored(_ slot: TensorSlot) -> GGMLType {
            slot.shape.count < 2 ? .f32 : type.type(columns: slot.shape[slot.shape.count - 1])
        }
        let vocabulary = try GGUFVocabulary(
            model.tokenizer, tokenCount: c.vocabularySize, bosID: model.specialID("bos_token_id"),
            eosID: c.endOfTextIDs.first ?? model.tokenizer.endOfTextIDs.first, padID: model.specialID("pad_token_id"))
        let writer = try GGUFWriter(
            url, metadata: try LlamaGGUF.metadata(c, fileType: type.fileType) + vocabulary.metadata,
            tensors: slots.map { ($0.name, stored($0), $0.shape) })
        for slot in slots {
            try ModelExporter.withValues(of: slot, in: model) { values in
                if stored(slot) == .f16 { try ModelExporter.checkHalf(values, slot.name) }
                try writer.write(slot.name, from: values)
            }
        }
        try writer.finish()
    }

    /// Refuses what the llama architecture cannot say.
    private static func check(_ c: DecoderConfiguration) throws {
        func require(_ isSupported: Bool, _ what: String) throws {
            guard isSupported else {
                throw LetheError(
                    .unsupported, "GGUF export of a \(c.modelType) model: \(what); export a folder instead")
            }
        }
        try require(["llama", "mistral"].contains(c.modelType), "only llama and mistral have a GGUF layout here")
        try require(
            c.norm == .rms(offset: 0) && c.activation == .silu && c.isGated && c.residual == .sequential
                && !c.hasPostNorms && !c.hasHeadNorms && !c.hasLearnedPositions && c.embeddingScale == 1
                && c.attentionSoftcap == 0 && c.logitSoftcap == 0 && c.localRotary == nil
                && c.attentionScale == 1 / Float(c.headSize).squareRoot(),
            "its layers are not those of the llama architecture")
        try require(!c.hasOutputBias && !c.hasMLPBias && !c.hasHeadBias, "biases beside those of query, key and value")
        try require(
            c.windows.allSatisfy { $0 == 0 || $0 >= c.maximumPositions }, "a sliding window has no place in it")
        guard let rotary = c.rotary, rotary.size == c.headSize else {
            return try require(false, "only part of a head is rotated")
        }
        if case .llama3 = rotary.scaling {
            try require(false, "llama3 rope scaling is stored as factors of each frequency, which is not supported")
        }
    }
}

extension LlamaGGUF {
    /// The metadata of a file of this architecture, besides the tokenizer's.
    static func metadata(_ c: DecoderConfiguration, fileType: UInt32) throws -> [(key: String, value: GGUFValue)] {
        func number(_ name: String, _ value: Int) throws -> (key: String, value: GGUFValue) {
            guard let word = UInt32(exactly: value) else {
                throw LetheError(.limitExceeded, "gguf: llama.\(name) is out of range")
            }
            return ("llama.\(name)", .uint32(word))
        }
        var entries: [(key: String, value: GGUFValue)] = [
            ("general.architecture", .string("llama")), ("general.type", .string("model")),
            ("general.file_type", .uint32(fileType)), ("general.quantization_version", .uint32(2)),
            try number("vocab_size", c.vocabularySize), try number("context_length", c.maximumPositions),
            try number("embedding_length", c.hiddenSize), try number("block_count", c.layerCount),
            try number("feed_forward_length", c.intermediateSize), try number("attention.head_count", c.headCount),
            try number("attention.head_count_kv", c.keyValueHeadCount),
            try number("attention.key_length", c.headSize), try number("attention.value_length", c.headSize),
            ("llama.attention.layer_norm_rms_epsilon", .float32(c.normEpsilon)),
        ]
        if let rotary = c.rotary {
            entries.append(try number("rope.dimension_count", rotary.size))
            entries.append(("llama.rope.freq_base", .float32(Float(rotary.theta))))
            if case .linear(let factor) = rotary.scaling {
                entries.append(("llama.rope.scaling.type", .string("linear")))
                entries.append(("llama.rope.scaling.factor", .float32(Float(factor))))
            }
        }
        return entries
    }
}

extension GGUFVocabulary {
    /// The fields `tokenizer.ggml.*`.
    var metadata: [(key: String, value: GGUFValue)] {
        var entries: [(key: String, value: GGUFValue)] = [("tokenizer.ggml.model", .string(model))]
        func add(_ name: String, _ value: GGUFValue?) {
            if let value { entries.append(("tokenizer.ggml.\(name)", value)) }
        }
        add("pre", pre.map { .string($0) })
        add("tokens", .array(.string(tokens)))
        add("scores", scores.map { .array(.float32($0)) })
        add("token_type", .array(.int32(tokenTypes)))
        if !merges.isEmpty { add("merges", .array(.string(merges))) }
        let ids = [
            ("bos", bosID), ("eos", eosID), ("eot", eotID), ("unknown", unknownID), ("padding", padID),
        ]
        for (name, id) in ids { add("\(name)_token_id", id.map { .uint32(UInt32(max(0, $0))) }) }
        add("add_bos_token", addBOS.map { .bool($0) })
        add("add_eos_token", addEOS.map { .bool($0) })
        add("add_space_prefix", addSpacePrefix.map { .bool($0) })
        return entries
    }
}

import Foundation
import LetheCore
import LetheTensor
import LetheTokenizers

/// Reads a model from a Hugging Face folder or a GGUF file.
public enum ModelLoader {
    /// Longest config.json or tokenizer.json that is read, in bytes.
    public static let documentByteLimit = 32 << 20

    /// How a model is kept and computed with.
    public struct Options: Sendable, Equatable {
        /// How its matrices are kept in memory.
        public var storage: WeightStorage
        /// Element type of the inputs of matrix products.
        public var precision: Precision
        /// The machine's memory in bytes, which ``WeightStorage/automatic`` goes by.
        public var memoryBytes: UInt64

        /// Automatic storage and fp32 products unless told otherwise.
        public init(
            storage: WeightStorage = .automatic, precision: Precision = .float32,
            memoryBytes: UInt64 = ProcessInfo.processInfo.physicalMemory
        ) {
            self.storage = storage
            self.precision = precision
            self.memoryBytes = memoryBytes
        }
    }

    /// Loads a model.
    ///
    /// With matrices kept in bfloat16 the files stay mapped as long as the model lives, and must not be rewritten in
    /// place until then.
    /// - Throws: `missing_input` without the files, `bad_data` or `unsupported` naming what is wrong in them,
    ///   `limit_exceeded`.
    public static func load(_ url: URL, _ options: Options = Options()) throws -> LanguageModel {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw LetheError(.missingInput, "no model at the given path")
        }
        let model = isFolder.boolValue ? try loadFolder(url, options) : try loadGGUF(url, options)
        model.decoder.precision = options.precision
        return model
    }

    /// Loads only the tokenizer of a model.
    /// - Throws: as ``load(_:_:)``.
    public static func tokenizer(_ url: URL) throws -> any Tokenizer {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw LetheError(.missingInput, "no model at the given path")
        }
        if isFolder.boolValue { return try TokenizerLoader.tokenizerJSON(data(url, "tokenizer.json")) }
        return try TokenizerLoader.gguf(GGUFFile(url, followingSymbolicLinks: true).vocabulary())
    }

    private static func loadFolder(_ url: URL, _ options: Options) throws -> LanguageModel {
        let config = try ModelConfigReader(document(url, "config.json"))
        guard try config.nested("quantization_config") == nil else {
            throw LetheError(.unsupported, "config.json#/quantization_config: quantised checkpoints are not supported")
        }
        let family = try ModelFamilies.family(config.modelType())
        var configuration = try family.configuration(config)
        try configuration.validate()
        let generationIDs = try generationEndOfTextIDs(url)
        configuration.endOfTextIDs += generationIDs.filter { !configuration.endOfTextIDs.contains($0) }
        let tokenizer = try TokenizerLoader.tokenizerJSON(data(url, "tokenizer.json"))
        let slots = family.slots(configuration)
        let checkpoint = try Checkpoint.open(url)
        let stored = slotsAsStored(slots, prefix: family.basePrefix, in: checkpoint)
        let weights = try load(stored, configuration, from: checkpoint, options)
        let types = zip(slots, stored).compactMap { slot, stored in
            checkpoint.info(stored.name)?.elementType.map { (slot.name, $0) }
        }
        return try LanguageModel(
            decoder: Decoder(configuration: configuration, weights: weights), tokenizer: tokenizer,
            config: config.object, slots: slots, storedTypes: Dictionary(types) { first, _ in first })
    }

    /// The slots under the names that the checkpoint uses: without the prefix when no tensor has it, as in the
    /// published GPT-2.
    private static func slotsAsStored(_ slots: [TensorSlot], prefix: String, in checkpoint: any CheckpointReader)
        -> [TensorSlot]
    {
        guard !checkpoint.tensorNames.contains(where: { $0.hasPrefix(prefix) }) else { return slots }
        return slots.map { $0.name.hasPrefix(prefix) ? $0.renamed(String($0.name.dropFirst(prefix.count))) : $0 }
    }

    private static func loadGGUF(_ url: URL, _ options: Options) throws -> LanguageModel {
        let file = try GGUFFile(url, followingSymbolicLinks: true)
        guard file.architecture == "llama" else {
            throw LetheError(.unsupported, "gguf: this general.architecture is not supported; llama is")
        }
        var configuration = try LlamaGGUF.configuration(file)
        try configuration.validate()
        let vocabulary = try file.vocabulary()
        if let end = vocabulary.eosID { configuration.endOfTextIDs = [end] }
        let tokenizer = try TokenizerLoader.gguf(vocabulary)
        let weights = try load(LlamaGGUF.slots(configuration), configuration, from: file, options)
        return try LanguageModel(
            decoder: Decoder(configuration: configuration, weights: weights), tokenizer: tokenizer,
            config: LlamaGGUF.configJSON(
                configuration, beginOfTextID: vocabulary.bosID, endOfTextID: vocabulary.eosID),
            slots: Llama.slots(configuration))
    }

    private static func load(
        _ slots: [TensorSlot], _ configuration: DecoderConfiguration, from checkpoint: any CheckpointReader,
        _ options: Options
    ) throws -> DecoderWeights {
        // All shapes are compared before anything of their size is allocated.
        for slot in slots {
            guard let info = checkpoint.info(slot.name) else {
                throw LetheError(.badData, "tensor \(slot.name) is missing")
            }
            guard info.shape == slot.shape else {
                throw LetheError(
                    .badData, "tensor \(slot.name) has shape \(info.shape); the configuration asks for \(slot.shape)")
            }
        }
        let known = Set(slots.map(\.name))
        for name in checkpoint.tensorNames where !known.contains(name) && !isIgnorable(name) {
            throw LetheError(.badData, "tensor \(name) has no place in this architecture")
        }
        try checkTiedHead(slots, known: known, in: checkpoint)
        let frozen = FrozenMatrices(options.storage, slots, in: checkpoint, memoryBytes: options.memoryBytes)
        let weights = try DecoderWeights(allocating: configuration) { place, rows, columns in
            try frozen.matrix(place, rows: rows, columns: columns)
        }
        for slot in slots where !frozen.places.contains(slot.place) {
            guard let view = try weights.view(slot.place) else {
                throw LetheError(.internalError, "tensor \(slot.name) has no place in this architecture")
            }
            try slot.load(from: checkpoint, into: view)
        }
        if !frozen.places.isEmpty { BufferPool.shared.trim() }
        return weights
    }

    private static let headNames = ["lm_head.weight", "embed_out.weight"]

    /// Buffers that some checkpoints carry and that are made from the configuration, and a head that repeats the
    /// embedding.
    private static func isIgnorable(_ name: String) -> Bool {
        ["rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias"]
            .contains { name.hasSuffix($0) } || headNames.contains(name)
    }

    /// A head stored beside a tied embedding must be the same, or ignoring it would change the model.
    private static func checkTiedHead(_ slots: [TensorSlot], known: Set<String>, in checkpoint: any CheckpointReader)
        throws
    {
        guard let embedding = slots.first(where: { $0.place == .embedding })?.name else { return }
        for name in headNames where !known.contains(name) && checkpoint.info(name) != nil {
            let isSame = try checkpoint.withRawBytes(name) { head in
                try checkpoint.withRawBytes(embedding) { rows in
                    guard rows.count == head.count else { return false }
                    guard let left = rows.baseAddress, let right = head.baseAddress else { return rows.isEmpty }
                    return memcmp(left, right, rows.count) == 0
                }
            }
            guard isSame else {
                throw LetheError(.unsupported, "config.json ties the output head to the embedding, but \(name) differs")
            }
        }
    }

    private static func generationEndOfTextIDs(_ url: URL) throws -> [Int32] {
        let file = url.appendingPathComponent("generation_config.json")
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        return try ModelConfigReader(document(url, "generation_config.json")).endOfTextIDs()
    }

    /// A JSON document of a model folder.
    /// - Throws: `missing_input`, `limit_exceeded`, `bad_data`.
    static func document(_ folder: URL, _ name: String) throws -> JSONValue {
        var limits = JSONParser.Limits.default
        limits.maximumBytes = documentByteLimit
        limits.maximumDepth = 64
        return try JSONParser.parse(data(folder, name), limits: limits, context: name)
    }

    /// The bytes of a document of a model folder.
    /// - Throws: `missing_input`, `limit_exceeded`, `io_error`.
    static func data(_ folder: URL, _ name: String) throws -> Data {
        let url = folder.appendingPathComponent(name)
        guard let size = try? FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int else {
            throw LetheError(.missingInput, "the model folder has no \(name)")
        }
        guard size <= documentByteLimit else {
            throw LetheError(.limitExceeded, "\(name) has \(size) bytes; the limit is \(documentByteLimit)")
        }
        do {
            return try Data(contentsOf: url)
        } catch {
            throw LetheError(.ioError, "\(name) cannot be read")
        }
    }
}

import Foundation
import LetheCore
import LetheTensor
import LetheTokenizers

/// Writes a model as a Hugging Face folder that `transformers` loads.
public enum ModelExporter {
    /// One safetensors file of a folder.
    public struct Shard: Sendable {
        /// File name.
        public let name: String
        /// The tensors in it.
        public let slots: [TensorSlot]
        /// The decoder layer that the whole shard belongs to; nil for the ends of the model or a mixed shard.
        public let layer: Int?
    }

    /// One shard for each decoder layer and one for the rest, so that a generation that changes few layers shares the
    /// other files with its parent.
    public static func shardsByLayer(_ model: LanguageModel) -> [Shard] {
        let ends = model.slots.filter { $0.place.layer == nil }
        let layers = Dictionary(grouping: model.slots.filter { $0.place.layer != nil }) { $0.place.layer ?? 0 }
        return [Shard(name: "model-ends.safetensors", slots: ends, layer: nil)]
            + (0..<model.configuration.layerCount).map { index in
                let number = String(repeating: "0", count: max(0, 5 - "\(index)".count)) + "\(index)"
                return Shard(name: "model-layer-\(number).safetensors", slots: layers[index] ?? [], layer: index)
            }
    }

    /// As few shards as keep each below a size; one alone is called model.safetensors.
    /// - Parameter type: as in ``export(_:to:type:maximumShardBytes:)``.
    /// - Throws: `limit_exceeded`.
    public static func shardsBySize(_ model: LanguageModel, type: ElementType?, maximumBytes: Int) throws -> [Shard] {
        var groups: [[TensorSlot]] = []
        var bytes = 0
        for slot in model.slots {
            let size = slot.count * (try type ?? keptType(of: slot, in: model)).byteSize
            if groups.isEmpty || bytes + size > maximumBytes {
                groups.append([])
                bytes = 0
            }
            groups[groups.count - 1].append(slot)
            bytes += size
        }
        if groups.count == 1 { return [Shard(name: "model.safetensors", slots: groups[0], layer: nil)] }
        return groups.enumerated().map { index, slots in
            let name = String(format: "model-%05d-of-%05d.safetensors", index + 1, groups.count)
            return Shard(name: name, slots: slots, layer: nil)
        }
    }

    /// Writes one shard; durable when the call returns. A crash midway leaves no file of that name.
    /// - Parameter type: as in ``export(_:to:type:maximumShardBytes:)``.
    /// - Throws: `disk_full`, `io_error`.
    public static func writeShard(_ shard: Shard, of model: LanguageModel, type: ElementType?, to folder: URL) throws {
        var tensors = try shard.slots.map { (slot: $0, type: try type ?? keptType(of: $0, in: model)) }
        // Wider types first, so that every tensor is aligned.
        tensors = tensors.filter { $0.type.byteSize > 2 } + tensors.filter { $0.type.byteSize <= 2 }
        let writer = try SafetensorsWriter(
            folder.appendingPathComponent(shard.name),
            tensors: tensors.map { (name: $0.slot.name, elementType: $0.type, shape: $0.slot.shape) })
        for (slot, type) in tensors {
            if type == .bfloat16, let bits = frozenBits(of: slot, in: model) {
                try writer.writeRaw(slot.name, from: UnsafeRawBufferPointer(bits))
                model.decoder.weights.matrix(slot.place)?.releasePages()
            } else {
                try withValues(of: slot, in: model) { values in
                    if type == .float16 { try checkHalf(values, slot.name) }
                    try writer.write(slot.name, from: values)
                }
            }
        }
        try writer.finish()
    }

    /// The type that a tensor is kept in: the one its checkpoint had, as long as that holds every value as it is now,
    /// and otherwise fp32. Nothing is ever rounded: a tensor that was not trained is written bit for bit as it was.
    /// - Throws: `limit_exceeded`.
    public static func keptType(of slot: TensorSlot, in model: LanguageModel) throws -> ElementType {
        if let matrix = model.decoder.weights.matrix(slot.place), !matrix.isFloat32 { return .bfloat16 }
        let stored = model.storedTypes[slot.name]
        guard stored == .bfloat16 || stored == .float16 else { return .float32 }
        let isExact = try withValues(of: slot, in: model) { values in
            stored == .bfloat16
                ? values.allSatisfy { $0.bitPattern & 0xFFFF == 0 }
                : values.allSatisfy { Float(Float16($0)).bitPattern == $0.bitPattern }
        }
        return isExact ? stored ?? .float32 : .float32
    }

    /// - Throws: `unsupported` for a finite value that would become infinite as a half.
    static func checkHalf(_ values: UnsafeBufferPointer<Float>, _ name: String) throws {
        guard values.allSatisfy({ !$0.isFinite || Float16($0).isFinite }) else {
            throw LetheError(.unsupported, "tensor \(name) has values beyond 65504, which F16 does not hold")
        }
    }

    /// A tensor's values in the checkpoint's order.
    static func withValues<Result>(
        of slot: TensorSlot, in model: LanguageModel, _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) throws -> Result {
        guard let view = try model.decoder.weights.view(slot.place) else {
            throw LetheError(.internalError, "tensor \(slot.name) has no value")
        }
        return try withExtendedLifetime(view.owner) {
            if slot.isConsecutive {
                return try body(
                    UnsafeBufferPointer(start: view.pointer + slot.firstRow * view.columns, count: slot.count))
            }
            return try slot.values(of: view).withUnsafeBufferPointer(body)
        }
    }

    /// The bits of a tensor that lies as it is in a frozen matrix.
    private static func frozenBits(of slot: TensorSlot, in model: LanguageModel) -> UnsafeBufferPointer<UInt16>? {
        guard slot.isConsecutive, let matrix = model.decoder.weights.matrix(slot.place), let bits = matrix.frozenBits
        else { return nil }
        return UnsafeBufferPointer(start: bits.pointer + slot.firstRow * matrix.columns, count: slot.count)
    }

    /// The small files of the folder, by name: config.json, tokenizer.json, generation_config.json and, with several
    /// shards, the index.
    /// - Throws: `unsupported` when the tokenizer cannot be written.
    public static func documents(_ model: LanguageModel, shards: [Shard], type: ElementType?) throws -> [(
        String, Data
    )] {
        var config = model.config
        let types = try model.slots.map { try type ?? keptType(of: $0, in: model) }
        // Loaders round to the type that is named here: with several it is the one that holds them all.
        let common = types.dropFirst().allSatisfy { $0 == types.first } ? types.first : .float32
        let typeName = common == .float16 ? "float16" : common == .bfloat16 ? "bfloat16" : "float32"
        config["torch_dtype"] = .string(typeName)
        if config["dtype"] != nil { config["dtype"] = .string(typeName) }
        var documents = [
            ("config.json", JSONValue.object(config).serialized(pretty: true)),
            ("tokenizer.json", try model.tokenizer.tokenizerJSON()),
            ("tokenizer_config.json", tokenizerConfig(model)),
        ]
        let ends = model.endOfTextIDs.sorted()
        if !ends.isEmpty {
            let generation = JSONObject([("eos_token_id", .array(ends.map { .integer(Int64($0)) }))])
            documents.append(("generation_config.json", JSONValue.object(generation).serialized(pretty: true)))
        }
        if shards.count > 1 {
            let total = zip(model.slots, types).reduce(0) { $0 + $1.0.count * $1.1.byteSize }
            let map = shards.flatMap { shard in shard.slots.map { ($0.name, JSONValue.string(shard.name)) } }
            let index = JSONObject([
                ("metadata", .object(JSONObject([("total_size", .integer(Int64(total)))]))),
                ("weight_map", .object(JSONObject(map))),
            ])
            documents.append(("model.safetensors.index.json", JSONValue.object(index).serialized(pretty: true)))
        }
        return documents
    }

    /// Writes a whole folder, which must not exist yet.
    ///
    /// The folder appears under its name only when it is complete: a crash midway leaves `<name>.partial`.
    /// - Parameters:
    ///   - type: F32, F16 or BF16 for all tensors; nil keeps each in the type that ``keptType(of:in:)`` gives.
    ///   - maximumShardBytes: above this the weights are split.
    /// - Throws: `conflict` when the folder exists, `disk_full`, `io_error`.
    public static func export(
        _ model: LanguageModel, to folder: URL, type: ElementType? = .float32, maximumShardBytes: Int = 5 << 30
    ) throws {
        let manager = FileManager.default
        guard !manager.fileExists(atPath: folder.path) else {
            throw LetheError(.conflict, "the output folder exists already")
        }
        let partial = folder.deletingLastPathComponent().appendingPathComponent(folder.lastPathComponent + ".partial")
        do {
            if manager.fileExists(atPath: partial.path) { try manager.removeItem(at: partial) }
            try manager.createDirectory(at: partial, withIntermediateDirectories: true)
        } catch {
            throw LetheError(.ioError, "the output folder cannot be made")
        }
        let shards = try shardsBySize(model, type: type, maximumBytes: maximumShardBytes)
        for shard in shards { try writeShard(shard, of: model, type: type, to: partial) }
        do {
            for (name, data) in try documents(model, shards: shards, type: type) {
                try data.write(to: partial.appendingPathComponent(name))
            }
            try manager.moveItem(at: partial, to: folder)
        } catch let error as LetheError {
            throw error
        } catch {
            throw LetheError(.ioError, "the output folder cannot be written")
        }
    }

    private static func tokenizerConfig(_ model: LanguageModel) -> Data {
        var config = JSONObject([("tokenizer_class", .string("PreTrainedTokenizerFast"))])
        if let end = model.configuration.endOfTextIDs.first, let token = model.tokenizer.idToToken(end) {
            config["eos_token"] = .string(token)
        }
        return JSONValue.object(config).serialized(pretty: true)
    }
}

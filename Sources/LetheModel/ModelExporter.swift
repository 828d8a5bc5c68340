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
    public static func shardsBySize(_ model: LanguageModel, type: ElementType, maximumBytes: Int) -> [Shard] {
        var groups: [[TensorSlot]] = []
        var bytes = 0
        for slot in model.slots {
            let size = slot.count * type.byteSize
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
    /// - Throws: `disk_full`, `io_error`.
    public static func writeShard(_ shard: Shard, of model: LanguageModel, type: ElementType, to folder: URL) throws {
        let writer = try SafetensorsWriter(
            folder.appendingPathComponent(shard.name),
            tensors: shard.slots.map { (name: $0.name, elementType: type, shape: $0.shape) })
        for slot in shard.slots {
            guard let view = try model.decoder.weights.view(slot.place) else {
                throw LetheError(.internalError, "tensor \(slot.name) has no value")
            }
            if case .from(let first) = slot.rows, !slot.isTransposed {
                try writer.write(
                    slot.name,
                    from: UnsafeBufferPointer(start: view.pointer + first * view.columns, count: slot.count))
            } else {
                try writer.write(slot.name, from: slot.values(of: view))
            }
        }
        try writer.finish()
    }

    /// The small files of the folder, by name: config.json, tokenizer.json, generation_config.json and, with several
    /// shards, the index.
    /// - Throws: `unsupported` when the tokenizer cannot be written.
    public static func documents(_ model: LanguageModel, shards: [Shard], type: ElementType) throws -> [(String, Data)]
    {
        var config = model.config
        let typeName = ["F32": "float32", "F16": "float16", "BF16": "bfloat16"][type.rawValue] ?? "float32"
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
            let total = model.slots.reduce(0) { $0 + $1.count * type.byteSize }
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
    ///   - type: F32, F16 or BF16.
    ///   - maximumShardBytes: above this the weights are split.
    /// - Throws: `conflict` when the folder exists, `disk_full`, `io_error`.
    public static func export(
        _ model: LanguageModel, to folder: URL, type: ElementType = .float32, maximumShardBytes: Int = 5 << 30
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
        let shards = shardsBySize(model, type: type, maximumBytes: maximumShardBytes)
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

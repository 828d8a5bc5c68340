import Foundation
import LetheCore
import LetheModel
import LetheStore

/// Brings a model into the store as its generation 0.
public struct ModelImporter {
    private let database: LetheDatabase
    private let generations: GenerationStore

    /// Works on an open store.
    public init(database: LetheDatabase, generations: GenerationStore) {
        self.database = database
        self.generations = generations
    }

    /// Loads a Hugging Face folder or a GGUF file, writes it as a generation, one shard a layer, and registers it.
    /// The weights are in fp32; only those of a model too large for that keep the types they have. A crash midway leaves files that nothing refers to, which the next start deletes.
    /// - Throws: `conflict` when the name is taken, what the loader and the store throw.
    @discardableResult
    public func importModel(_ source: URL, name: String, codeVersion: String, now: Date) async throws -> ModelRow {
        guard ModelName.isValid(name) else { throw LetheError(.usage, "the model's name \(ModelName.rule)") }
        if try await database.models().contains(where: { $0.name == name }) {
            throw LetheError(.conflict, "a model with this name is registered already")
        }
        let fence = try await database.takeFence()
        let staging = try Self.stage(source, name: name, fence: fence, generations: generations)
        let published = try generations.publish(
            staging, number: 0, requestIDs: [], method: "import", codeVersion: codeVersion, createdAt: now)
        return try await database.registerModel(published)
    }

    /// The part that works on the model, which must not cross a suspension.
    private static func stage(_ source: URL, name: String, fence: Int64, generations: GenerationStore) throws
        -> GenerationStaging
    {
        let model = try ModelLoader.load(source)
        let staging = try generations.stage(model: name, fence: fence, parent: nil)
        do {
            let shards = ModelExporter.shardsByLayer(model)
            let type = storedType(model)
            for shard in shards { try ModelExporter.writeShard(shard, of: model, type: type, to: staging.url) }
            for (name, data) in try ModelExporter.documents(model, shards: shards, type: type) {
                do {
                    try data.write(to: staging.url.appendingPathComponent(name))
                } catch {
                    throw LetheError(.ioError, "\(name) cannot be written")
                }
            }
        } catch {
            try? generations.discard(staging)
            throw error
        }
        return staging
    }

    /// The element type of a generation's tensors: fp32, or nil, which keeps each tensor's own, for a model that is too
    /// large to be fp32 in memory.
    static func storedType(_ model: LanguageModel) -> ElementType? {
        model.decoder.weights.hasFrozenMatrices ? nil : .float32
    }
}

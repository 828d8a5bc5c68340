import Foundation
import LetheCore
import LetheModel
import LetheStore
import LetheTensor
import LetheUnlearning

/// The one owner of the model in memory, on a thread of its own.
///
/// It holds one model at a time: its head generation, which requests change, and its first generation, which stays as
/// the reference. Layers that are the same in both are in memory once.
actor ModelRunner {
    /// A generation's folder, and what tells it from others.
    struct Source: Sendable, Equatable {
        var folder: URL
        var manifestDigest: Data
        /// Digest of each file, by name.
        var files: [String: Data]
        /// Whether it is what was imported, before any request.
        var isImport: Bool
    }

    /// The result of a request on the model in memory, before anything is published.
    struct Update: Sendable {
        var record: UnlearningRecord
        var memory: MemoryChunks?
        var changedLayers: [Int]
        /// What the update was made with.
        var settings: UnlearningSettings
    }

    private struct Loaded {
        var name: String
        var head: Source
        var unlearner: Unlearner
        var embedder: any TextEmbedder
        /// Names the space of the memory's vectors.
        var space: String
        /// The weights before the update that is not accepted yet.
        var previous: DecoderWeights?
    }

    private let executor: EngineExecutor
    private let encoderFolder: URL?
    private let keep: [ForgetItem]
    private let threads: Int?
    private let loading: ModelLoader.Options
    private var loaded: Loaded?
    /// What the original model writes when nothing is asked of it; measured where there are no keep texts.
    private var writtenKeep: KeepCorpus?
    /// What others may read of the model in memory.
    nonisolated let servedHead = ServedHead()

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Prepares a runner without a model.
    /// - Parameters:
    ///   - encoder: folder of a sentence encoder; without it the model's own hidden states serve.
    ///   - keep: the operator's keep texts.
    ///   - threads: of the engine; nil leaves the number of processors.
    ///   - loading: how models are kept and computed with.
    init(encoder: URL?, keep: [ForgetItem], threads: Int?, loading: ModelLoader.Options) {
        // Updates take minutes, answers milliseconds: whoever waits for an answer goes first.
        executor = EngineExecutor(name: "lethe.engine", niceness: 10)
        encoderFolder = encoder
        self.keep = keep
        self.threads = threads
        self.loading = loading
    }

    /// Whether the model in memory is this generation.
    func holds(_ name: String, _ head: Source) -> Bool { loaded?.name == name && loaded?.head == head }

    /// Loads a model unless it is loaded.
    /// - Parameter original: the reference; see ``LetheDatabase/referenceGeneration(_:)``.
    /// - Returns: the space of its memory's vectors.
    /// - Throws: what the loader throws.
    func load(_ name: String, head: Source, original: Source) throws -> String {
        if let loaded, loaded.name == name, loaded.head == head { return loaded.space }
        unload()
        writtenKeep = nil
        if let threads { Engine.threadCount = threads }
        let originalModel = try ModelLoader.load(original.folder, loading)
        let model: LanguageModel
        if head == original {
            model = try originalModel.sharing(originalModel.decoder.weights)
        } else {
            model = try ModelLoader.load(head.folder, loading)
            Self.shareEqualLayers(of: model, with: originalModel, head: head, original: original)
        }
        let embedder: any TextEmbedder =
            try encoderFolder.map { try SentenceEncoder($0) } ?? HiddenStateEmbedder(originalModel)
        let unlearner = Unlearner(
            model: model, original: originalModel, embedder: embedder,
            memory: ForgetMemory(dimension: embedder.dimension), keep: keep)
        // Hidden states of another reference are another space: their vectors cannot be compared.
        var space = embedder.identity
        if encoderFolder == nil, !original.isImport {
            space += "-" + original.manifestDigest.prefix(6).map { String(format: "%02x", $0) }.joined()
        }
        loaded = Loaded(name: name, head: head, unlearner: unlearner, embedder: embedder, space: space)
        servedHead.set(
            try .init(
                name: name, manifestDigest: head.manifestDigest, model: model, original: originalModel, space: space))
        BufferPool.shared.trim()
        return space
    }

    /// Fills the loaded model's memory from the store.
    /// - Throws: `bad_data` when the vectors do not fit the encoder.
    func restoreMemory(_ snapshot: MemorySnapshot) throws {
        guard let loaded, snapshot.count > 0 else { return }
        let vectors = (0..<snapshot.count).map { index in
            Array(snapshot.vectors[index * snapshot.dimension..<(index + 1) * snapshot.dimension])
        }
        try loaded.unlearner.memory.append(vectors)
    }

    /// Carries out a request on the model in memory.
    ///
    /// The change stays until ``accept(_:head:)`` or ``revert()``.
    /// - Throws: `bad_data` for a request that cannot be carried out, what `control` stops with.
    func update(_ request: ErasureRequest, settings: UnlearningSettings, control: UpdateControl) throws -> Update {
        guard var current = loaded else { throw LetheError(.internalError, "no model is loaded") }
        current.previous = current.unlearner.model.decoder.weights
        loaded = current
        let outcome: Unlearner.Outcome
        do {
            outcome = try current.unlearner.apply(request, settings: settings) { try control.report($0) }
        } catch {
            revert()
            throw error
        }
        let memory =
            outcome.memoryVectors.isEmpty
            ? nil
            : try MemoryChunks(
                space: current.space, dimension: current.embedder.dimension,
                vectors: outcome.memoryVectors.flatMap { $0 })
        return Update(
            record: outcome.record, memory: memory, changedLayers: outcome.changedLayers, settings: settings)
    }

    /// Measures the last update against a policy: what the items and the keep texts say, and a try to bring the items
    /// back.
    /// - Returns: the update with its keep levels, which an update without a keep term does not measure itself.
    /// - Throws: what measuring throws.
    func check(_ request: ErasureRequest, _ update: Update, policy: GatePolicy) throws
        -> (verdict: GateVerdict, update: Update)
    {
        var update = update
        guard let loaded, let previous = loaded.previous else {
            throw LetheError(.internalError, "no update is under way")
        }
        let model = loaded.unlearner.model
        if update.record.keepTerm == KeepTerm.none.rawValue {
            let sequences = try keepSequences(request, loaded.unlearner.original, update.settings)
            update.record.keepBefore = try UnlearningRecord.Level(model.sharing(previous).statistics(of: sequences))
            update.record.keepAfter = try UnlearningRecord.Level(model.statistics(of: sequences))
        }
        let recovery =
            policy.checksRecovery
            ? try QuantizationProbe.run(
                model, before: previous, changedLayers: update.changedLayers, items: request.items) : nil
        return (UpdateGate.verdict(update.record, recovery: recovery, policy: policy), update)
    }

    /// Some keep texts: the request's and the operator's, or what the model writes by itself.
    private func keepSequences(
        _ request: ErasureRequest, _ original: LanguageModel, _ settings: UnlearningSettings
    ) throws -> [TrainingSequence] {
        let items = request.keep + keep
        let corpus: KeepCorpus
        if items.isEmpty {
            corpus = try writtenKeep ?? KeepCorpus(writtenBy: original, count: 16, seed: settings.seed)
            writtenKeep = corpus
        } else {
            corpus = try KeepCorpus(Array(items.prefix(16)), model: original, window: settings.window)
        }
        return Array(corpus.sequences.prefix(16))
    }

    /// Fills a staging: changed layers are written, everything else is taken from the parent.
    /// - Throws: `disk_full`, `io_error`.
    func write(to staging: GenerationStaging, changedLayers: [Int]) throws {
        guard let loaded else { throw LetheError(.internalError, "no model is loaded") }
        let model = loaded.unlearner.model
        let changed = Set(changedLayers)
        let shards = ModelExporter.shardsByLayer(model)
        let type = ModelImporter.storedType(model)
        var written: Set<String> = []
        for shard in shards {
            guard let layer = shard.layer, changed.contains(layer) else { continue }
            try ModelExporter.writeShard(shard, of: model, type: type, to: staging.url)
            written.insert(shard.name)
        }
        for file in staging.parentManifest?.files ?? [] where !written.contains(file.name) {
            try staging.takeFromParent(file.name)
        }
    }

    /// Makes the last update the state to go on from, once its generation is the head.
    func accept(_ update: Update, head: Source) throws {
        guard var current = loaded else { return }
        current.previous = nil
        current.head = head
        loaded = current
        servedHead.set(
            try .init(
                name: current.name, manifestDigest: head.manifestDigest, model: current.unlearner.model,
                original: current.unlearner.original, space: current.space))
        if let memory = update.memory {
            let vectors = (0..<memory.count).map { index in
                Array(memory.vectors[index * memory.dimension..<(index + 1) * memory.dimension])
            }
            try current.unlearner.memory.append(vectors)
        }
    }

    /// Takes the last update back.
    func revert() {
        guard var current = loaded, let previous = current.previous else { return }
        current.unlearner.model.decoder.weights = previous
        current.previous = nil
        loaded = current
    }

    /// Forgets the model in memory, so that the next load reads it anew.
    func unload() {
        loaded = nil
        servedHead.set(nil)
    }

    private static func shareEqualLayers(
        of model: LanguageModel, with original: LanguageModel, head: Source, original source: Source
    ) {
        for shard in ModelExporter.shardsByLayer(model) {
            guard let digest = head.files[shard.name], digest == source.files[shard.name] else { continue }
            if let layer = shard.layer {
                model.decoder.weights.layers[layer] = original.decoder.weights.layers[layer]
            } else {
                model.decoder.weights.embedding = original.decoder.weights.embedding
                model.decoder.weights.positions = original.decoder.weights.positions
                model.decoder.weights.separateHead = original.decoder.weights.separateHead
            }
        }
    }
}

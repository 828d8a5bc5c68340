import Foundation
import LetheCore
import LetheModel
import LetheStore
import LetheTensor
import LetheUnlearning
import Synchronization

/// Answers completions from the head generation, on a thread of its own, while the worker's thread may be changing the
/// next one.
///
/// The weights are the worker's own, shared, when it holds the model; another model is loaded here, one at a time.
actor CompletionRunner {
    /// Calls that run or wait at most; a further one is refused.
    static let pendingLimit = 32

    /// A model that was loaded here.
    private struct Loaded {
        var name: String
        var manifestDigest: Data
        var model: LanguageModel
    }

    private let executor = EngineExecutor(name: "lethe.completions")
    private let database: LetheDatabase
    private let generations: GenerationStore
    let head: ServedHead
    private let threads: Int?
    private let encoderFolder: URL?
    private var encoder: SentenceEncoder?
    private var loaded: Loaded?
    private let pending = Mutex(0)

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Prepares a runner.
    /// - Parameters:
    ///   - head: what the worker holds.
    ///   - encoder: folder of the sentence encoder that the worker uses, if it does.
    ///   - threads: of the engine; nil leaves the number of processors.
    init(database: LetheDatabase, generations: GenerationStore, head: ServedHead, encoder: URL?, threads: Int?) {
        self.database = database
        self.generations = generations
        self.head = head
        self.threads = threads
        encoderFolder = encoder
    }

    /// Completes the prompts of a request with the model's head generation.
    /// - Throws: `not_found` for an unknown model, `unavailable` when too many calls wait or the head cannot be loaded,
    ///   `bad_data` and `limit_exceeded` naming the field, CancellationError.
    nonisolated func complete(_ request: CompletionRequest) async throws -> CompletionResponse {
        try await taken {
            guard ModelName.isValid(request.model) else { throw LetheError(.notFound, "there is no such model") }
            return try await run(request, database.model(request.model).head)
        }
    }

    /// Says what a request would do to the head as it is; see ``RequestPlan``.
    /// - Throws: `unavailable` when too many calls wait, `invalid_state` when the head is not what the worker holds, as
    ///   after a rollback.
    nonisolated func plan(
        _ request: ErasureRequest, settings: UnlearningSettings, model: String, head: GenerationRow
    ) async throws -> RequestPlan.Work {
        try await taken {
            let space = self.head.current.flatMap { $0.name == model ? $0.space : nil } ?? ""
            return try await work(request, settings, model, head, database.memory(model, space: space))
        }
    }

    private func work(
        _ request: ErasureRequest, _ settings: UnlearningSettings, _ name: String, _ generation: GenerationRow,
        _ snapshot: MemorySnapshot
    ) throws -> RequestPlan.Work {
        try Task.checkCancellation()
        if let threads { Engine.threadCount = threads }
        guard let shared = head.current, shared.name == name, shared.manifestDigest == generation.manifestDigest else {
            throw LetheError(
                .invalidState, "the model's head is not in memory; it is once a request for it was worked on")
        }
        if let encoderFolder, encoder == nil { encoder = try SentenceEncoder(encoderFolder) }
        let embedder: any TextEmbedder = try encoder ?? HiddenStateEmbedder(shared.openOriginal())
        return try RequestPlan.Work(
            request, settings: settings, model: shared.open(), embedder: embedder, snapshot: snapshot
        ) { try Task.checkCancellation() }
    }

    /// Runs a call, unless too many run or wait already.
    private nonisolated func taken<Value>(_ body: () async throws -> Value) async throws -> Value {
        let isFull = pending.withLock { pending in
            guard pending < Self.pendingLimit else { return true }
            pending += 1
            return false
        }
        guard !isFull else { throw LetheError(.unavailable, "\(Self.pendingLimit) calls run or wait already") }
        defer { pending.withLock { $0 -= 1 } }
        return try await body()
    }

    private func run(_ request: CompletionRequest, _ generation: GenerationRow) throws -> CompletionResponse {
        try Task.checkCancellation()
        if let threads { Engine.threadCount = threads }
        let model = try open(request.model, generation)
        let prompts = try request.prompts.enumerated().map { index, prompt in
            let pointer = request.prompts.count > 1 ? "/prompt/\(index)" : "/prompt"
            switch prompt {
            case .ids(let ids): return ids
            case .text(let text):
                let ids = try Self.locating(pointer) { try model.encode(text) }
                guard !ids.isEmpty else { throw LetheError(.badData, "\(pointer): has no tokens") }
                return ids
            }
        }
        let completions = try Self.locating("/prompt") {
            try request.completer.complete(model, prompts: prompts) { try Task.checkCancellation() }
        }
        let digest = generation.manifestDigest.prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return CompletionResponse(
            model: request.model, generation: "\(generation.number)-\(digest)", completions: completions,
            promptTokenCount: prompts.reduce(0) { $0 + $1.count })
    }

    /// The model at a generation: over the worker's weights if it holds them, else what was loaded here before, else
    /// loaded.
    private func open(_ name: String, _ generation: GenerationRow) throws -> LanguageModel {
        let digest = generation.manifestDigest
        if let shared = head.current, shared.name == name, shared.manifestDigest == digest {
            loaded = nil
            return try shared.open()
        }
        if let loaded, loaded.name == name, loaded.manifestDigest == digest { return loaded.model }
        loaded = nil
        do {
            try generations.verify(name, generation, depth: .sizes)
            let model = try ModelLoader.load(generations.url(name, generation))
            loaded = Loaded(name: name, manifestDigest: digest, model: model)
            return model
        } catch let error as LetheError where error.code != .limitExceeded {
            throw LetheError(.unavailable, "the model's head generation cannot be loaded")
        }
    }

    /// Puts the pointer of the field before errors about it.
    private static func locating<Value>(_ pointer: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as LetheError where error.code == .badData || error.code == .limitExceeded {
            throw LetheError(error.code, "\(pointer): \(error.message)")
        }
    }
}

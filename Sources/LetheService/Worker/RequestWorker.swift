import Foundation
import LetheCore
import LetheModel
import LetheStore
import LetheUnlearning
import Logging
import ServiceLifecycle
import Synchronization

/// Takes requests in order, one at a time, from claim to published generation.
///
/// A crash at any point leaves either the old head and the request claimed, which the next start queues again, or the
/// new head and the request applied; never both, never neither.
public final class RequestWorker: Service, ServedModels {
    /// How often a request is tried again after an error that may pass.
    public static let maximumAttempts = 5

    private let database: LetheDatabase
    private let generations: GenerationStore
    private let runner: ModelRunner
    private let completions: CompletionRunner
    private let clock: any WallClock
    private let codeVersion: String
    /// A head generation is damaged: requests are accepted and wait, none is carried out.
    private let isDegraded: Bool
    private let logger: Logger
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    private let status = Mutex<(ready: Bool, reason: String?)>((false, "loading the model"))

    /// Prepares a worker; ``run()`` starts it.
    /// - Parameter isDegraded: whether recovery found a head generation that is damaged.
    public init(
        database: LetheDatabase, generations: GenerationStore, encoder: URL?, keep: [ForgetItem], threads: Int?,
        loading: ModelLoader.Options = ModelLoader.Options(), isDegraded: Bool = false,
        clock: any WallClock = SystemClock(), codeVersion: String, logger: Logger
    ) {
        self.isDegraded = isDegraded
        self.database = database
        self.generations = generations
        runner = ModelRunner(encoder: encoder, keep: keep, threads: threads, loading: loading)
        completions = CompletionRunner(
            database: database, generations: generations, head: runner.servedHead, threads: threads)
        self.clock = clock
        self.codeVersion = codeVersion
        self.logger = logger
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: ServedModels

    /// Whether the model is loaded, and if not, why.
    public func readiness() async -> (ready: Bool, reason: String?) { status.withLock { $0 } }

    /// Checks the kind and the options of a submission.
    public func validate(_ request: ErasureRequest) async throws {
        guard request.kind == .erase else {
            throw LetheError(.unsupported, "/kind: rectify is not carried out by this version")
        }
        _ = try UnlearningSettings(request.options)
    }

    /// Makes the worker look at the queue.
    public func wakeWorker() { wake.yield() }

    /// Makes the worker look at the head again.
    public func headMoved(model: String) { wake.yield() }

    /// Completes prompts with the head generation, beside whatever the worker does.
    public func complete(_ request: CompletionRequest) async throws -> CompletionResponse {
        try await completions.complete(request)
    }

    // MARK: Service

    /// Works until the service group shuts down; a request under way is then given back.
    /// - Throws: when the store cannot be written any more, after which the process has to exit.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            if isDegraded {
                status.withLock { $0 = (false, "degraded: a head generation is damaged") }
                for await _ in wakes where Task.isShuttingDownGracefully { break }
                return
            }
            await preload()
            wake.yield()
            for await _ in wakes {
                while !Task.isShuttingDownGracefully, let claimed = try await database.claimNext() {
                    try await process(claimed)
                }
                if Task.isShuttingDownGracefully { break }
                if let retry = try await database.nextRetry() { wakeLater(retry) }
            }
        } onGracefulShutdown: {
            self.shutdown.withLock { $0?.stop(LetheError(.cancelled, "the daemon is shutting down")) }
            self.wake.finish()
        }
    }

    private let shutdown = Mutex<UpdateControl?>(nil)
    private let timer = Mutex<Task<Void, Never>?>(nil)

    private func wakeLater(_ date: Date) {
        let seconds = max(0.05, date.timeIntervalSince(clock.now()))
        timer.withLock { timer in
            timer?.cancel()
            timer = Task { [wake] in
                try? await Task.sleep(for: .seconds(seconds))
                if !Task.isCancelled { wake.yield() }
            }
        }
    }

    /// Loads the only model, if there is just one, so that the first request does not wait for it.
    private func preload() async {
        do {
            let models = try await database.models()
            if models.count == 1, let model = models.first { try await load(model.name, head: model.head) }
            status.withLock { $0 = (true, nil) }
        } catch {
            logger.error("loading the model failed", metadata: ["error": "\(Self.describe(error))"])
            status.withLock { $0 = (false, "the model cannot be loaded") }
        }
    }

    private func load(_ name: String, head: GenerationRow) async throws {
        let source = try self.source(name, head)
        if await runner.holds(name, source) { return }
        let all = try await database.generations(name).filter { $0.state == .kept }
        let first = all.min { $0.number < $1.number } ?? head
        let space = try await runner.load(name, head: source, original: self.source(name, first))
        try await runner.restoreMemory(database.memory(name, space: space))
        status.withLock { $0 = (true, nil) }
    }

    private func source(_ name: String, _ generation: GenerationRow) throws -> ModelRunner.Source {
        let manifest = try generations.verify(name, generation, depth: .sizes)
        let files = Dictionary(manifest.files.map { ($0.name, $0.digest) }, uniquingKeysWith: { first, _ in first })
        return ModelRunner.Source(
            folder: generations.url(name, generation), manifestDigest: generation.manifestDigest, files: files)
    }

    // MARK: One request

    private func process(_ claimed: ClaimedRequest) async throws {
        let claim = claimed.claim
        logger.info("request claimed", metadata: ["request": "\(claim.id)", "attempt": "\(claimed.attempt)"])
        do {
            try await carryOut(claimed)
        } catch {
            await runner.revert()
            try await conclude(claimed, error)
        }
    }

    private func carryOut(_ claimed: ClaimedRequest) async throws {
        let claim = claimed.claim
        try await load(claimed.model, head: claimed.head)
        let control = UpdateControl()
        shutdown.withLock { $0 = control }
        defer { shutdown.withLock { $0 = nil } }
        if Task.isShuttingDownGracefully { throw LetheError(.cancelled, "the daemon is shutting down") }
        let update = try await withThrowingTaskGroup(of: ModelRunner.Update?.self) { group in
            group.addTask { try await self.runner.update(claimed.request, control: control) }
            group.addTask {
                await self.watch(claim, control)
                return nil
            }
            for try await result in group {
                if let result {
                    group.cancelAll()
                    return result
                }
            }
            throw LetheError(.internalError, "an update ended without a result")
        }
        try FailPoint.reach("update.before_verify")
        guard !update.changedLayers.isEmpty else {
            try await database.completeWithoutChange(claim, head: claimed.head.number, record: update.record.json)
            logger.info("request applied without a change", metadata: ["request": "\(claim.id)"])
            return
        }
        try await database.markVerifying(claim)
        let published = try await publish(claimed, update)
        let head: GenerationRow
        do {
            head = try await database.complete(
                [Completion(claim: claim, record: update.record.json, memory: update.memory)], generation: published)
        } catch {
            try await deleteUnreferenced(published)
            throw error
        }
        try await runner.accept(update, head: source(claimed.model, head))
        logger.info("request applied", metadata: ["request": "\(claim.id)", "generation": "\(head.number)"])
    }

    /// Deletes a published folder whose commit failed, once the store says that nothing refers to it.
    private func deleteUnreferenced(_ published: PublishedGeneration) async throws {
        guard database.failure == nil else { return }
        let known = try await database.generations(published.model).map(\.folder)
        if !known.contains(published.folder) { try generations.delete(published.model, folder: published.folder) }
    }

    private func publish(_ claimed: ClaimedRequest, _ update: ModelRunner.Update) async throws -> PublishedGeneration {
        let staging = try generations.stage(
            model: claimed.model, fence: claimed.claim.fence, parent: claimed.head)
        do {
            try await runner.write(to: staging, changedLayers: update.changedLayers)
            let (version, now) = (codeVersion, clock.now())
            return try await generations.offPool { store in
                try store.publish(
                    staging, number: claimed.nextGeneration, requestIDs: [claimed.claim.id],
                    method: update.record.objective, seed: update.record.seed, codeVersion: version, createdAt: now)
            }
        } catch {
            try? generations.discard(staging)
            throw error
        }
    }

    /// Writes progress down, at most twice a second, and stops the work when the claim is lost.
    private func watch(_ claim: Claim, _ control: UpdateControl) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(500))
            guard let update = control.takeProgress(), !Task.isCancelled else { continue }
            do {
                try await database.progress(claim, update)
            } catch {
                control.stop(error as? LetheError ?? LetheError(.internalError, "progress cannot be written"))
            }
        }
    }

    /// Ends a claim whose work failed.
    /// - Throws: when the store cannot be written any more.
    private func conclude(_ claimed: ClaimedRequest, _ error: any Error) async throws {
        let claim = claimed.claim
        let failure = error as? LetheError ?? LetheError(.internalError, "unexpected error")
        logger.warning(
            "request not applied", metadata: ["request": "\(claim.id)", "error": "\(Self.describe(error))"])
        do {
            switch failure.code {
            case .syncFailed:
                throw failure
            case .cancelled:
                try await database.release(claim)
            case .conflict, .invalidState:
                // Cancelled by its caller, or the head moved under it; in the second case it is tried again.
                try await database.checkClaim(claim)
                try await database.release(claim)
            case .diskFull, .ioError,
                .unavailable where claimed.attempt < Self.maximumAttempts:
                let delay = pow(2, Double(min(claimed.attempt, 10))) * 5
                try await database.scheduleRetry(
                    claim, at: clock.now().addingTimeInterval(delay), code: failure.code.rawValue,
                    message: failure.message)
            default:
                try await database.fail(claim, code: failure.code.rawValue, message: failure.message)
            }
        } catch let second as LetheError where second.code == .conflict || second.code == .invalidState {
            // Not held any more: whoever took it has settled it.
            return
        }
    }

    /// An error for the log; free of request text.
    private static func describe(_ error: any Error) -> String {
        (error as? LetheError).map(\.description) ?? String(describing: type(of: error))
    }
}

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
    /// Seconds between two tries to write to a store that could not be written, such as one on a full disk.
    private static let storePause: TimeInterval = 2

    let database: LetheDatabase
    let generations: GenerationStore
    private let runner: ModelRunner
    private let completions: CompletionRunner
    let evaluations: EvaluationRunner
    private let clock: any WallClock
    private let codeVersion: String
    private let policy: GatePolicy
    /// A head generation is damaged: requests are accepted and wait, none is carried out.
    private let isDegraded: Bool
    let logger: Logger
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    private let status = Mutex<(ready: Bool, reason: String?)>((false, "loading the model"))

    /// Prepares a worker; ``run()`` starts it.
    /// - Parameters:
    ///   - policy: what an update has to show before it is published.
    ///   - isDegraded: whether recovery found a head generation that is damaged.
    public init(
        database: LetheDatabase, generations: GenerationStore, encoder: URL?, keep: [ForgetItem], threads: Int?,
        policy: GatePolicy = GatePolicy(), loading: ModelLoader.Options = ModelLoader.Options(),
        isDegraded: Bool = false, clock: any WallClock = SystemClock(), codeVersion: String, logger: Logger
    ) {
        self.policy = policy
        self.isDegraded = isDegraded
        self.database = database
        self.generations = generations
        runner = ModelRunner(encoder: encoder, keep: keep, threads: threads, loading: loading)
        completions = CompletionRunner(
            database: database, generations: generations, head: runner.servedHead, encoder: encoder, threads: threads)
        evaluations = EvaluationRunner(encoder: encoder, threads: threads, version: codeVersion)
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

    /// Says what a request would do to the head of its model as it is now.
    public func plan(_ request: ErasureRequest) async throws -> RequestPlan {
        let settings = try UnlearningSettings(request.options)
        let models = try await database.models()
        guard let model = request.model.map({ name in models.first { $0.name == name } }) ?? models.first else {
            throw LetheError(.notFound, "/model: no such model")
        }
        guard request.model != nil || models.count == 1 else {
            throw LetheError(.badData, "/model: has to be given, as there is more than one model")
        }
        let work = try await completions.plan(request, settings: settings, model: model.name, head: model.head)
        let kept = try await database.generations(model.name).filter { $0.state != .purged }
        let open = try await database.statistics().counts.reduce(0) { $0 + ($1.key.state.isFinal ? 0 : $1.value) }
        return RequestPlan(
            model: model.name, generation: model.head.number, items: request.items.count, openRequests: open,
            settings: settings, work: work, history: try await database.updateHistory(model.name),
            holdingGenerations: kept.map(\.number))
    }

    /// Makes the worker look at the queue; an evaluation that runs gives way.
    public func wakeWorker() {
        evaluation.withLock { $0?.stop(.requests) }
        wake.yield()
    }

    /// Makes the worker look for evaluations; one that was cancelled ends by itself.
    public func evaluationsChanged() { wake.yield() }

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
        try await AuditActor.$current.withValue(.worker) { try await work() }
    }

    private func work() async throws {
        try await withGracefulShutdownHandler {
            if isDegraded {
                status.withLock { $0 = (false, "degraded: a head generation is damaged") }
                for await _ in wakes where Task.isShuttingDownGracefully { break }
                return
            }
            try await recoverEvaluations()
            await preload()
            wake.yield()
            for await _ in wakes {
                do {
                    repeat {
                        while !Task.isShuttingDownGracefully, let claimed = try await database.claimNext() {
                            try await process(claimed)
                        }
                        if Task.isShuttingDownGracefully { return }
                        if let retry = try await database.nextRetry() { wakeLater(retry) }
                    } while try await evaluateNext()
                } catch let error as LetheError where Self.mayPass(error.code) {
                    logger.error("requests wait for the store", metadata: ["error": "\(Self.describe(error))"])
                    wakeLater(clock.now().addingTimeInterval(Self.storePause))
                }
            }
        } onGracefulShutdown: {
            self.shutdown.withLock { $0?.stop(LetheError(.cancelled, "the daemon is shutting down")) }
            self.evaluation.withLock { $0?.stop(.shutdown) }
            self.wake.finish()
        }
    }

    private let shutdown = Mutex<UpdateControl?>(nil)
    private let timer = Mutex<Task<Void, Never>?>(nil)
    /// Of the evaluation that runs.
    let evaluation = Mutex<EvaluationControl?>(nil)

    private func wakeLater(_ date: Date) {
        let seconds = max(0.05, date.timeIntervalSince(clock.now()))
        timer.withLock { timer in
            timer?.cancel()
            timer = Task { [weak self] in
                try? await Task.sleep(for: .seconds(seconds))
                if !Task.isCancelled { self?.wakeWorker() }
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
        let space = try await database.withReferenceGeneration(name) { reference in
            try await runner.load(name, head: source, original: self.source(name, reference))
        }
        try await runner.restoreMemory(database.memory(name, space: space))
        status.withLock { $0 = (true, nil) }
    }

    private func source(_ name: String, _ generation: GenerationRow) throws -> ModelRunner.Source {
        let manifest = try generations.verify(name, generation, depth: .sizes)
        let files = Dictionary(manifest.files.map { ($0.name, $0.digest) }, uniquingKeysWith: { first, _ in first })
        return ModelRunner.Source(
            folder: generations.url(name, generation), manifestDigest: generation.manifestDigest, files: files,
            isImport: generation.parent == nil)
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
        var settings = try UnlearningSettings(claimed.request.options)
        for strength in 0... {
            var update = try await train(claimed, settings, control)
            try FailPoint.reach("update.before_verify")
            guard !update.changedLayers.isEmpty else { return try await completeWithoutChange(claimed, update) }
            try await database.markVerifying(claim)
            let (verdict, checked) = try await runner.check(claimed.request, update, policy: policy)
            update = checked
            try FailPoint.reach("update.after_check")
            let record = record(of: update, strength: strength, verdict: verdict)
            if verdict.isPassed { return try await settle(claimed, update, record) }
            await runner.revert()
            logger.notice(
                "update not accepted",
                metadata: ["request": "\(claim.id)", "strength": "\(strength)", "missed": "\(verdict.failure)"])
            guard strength < policy.attempts else {
                return try await database.fail(
                    claim, code: LetheError.Code.gateNotMet.rawValue, message: verdict.failure, record: record)
            }
            settings = policy.retry(settings, after: verdict)
            try await database.strengthen(claim, detail: verdict.json)
        }
    }

    /// Makes an update in memory, with progress and cancellation.
    private func train(_ claimed: ClaimedRequest, _ settings: UnlearningSettings, _ control: UpdateControl) async throws
        -> ModelRunner.Update
    {
        return try await withThrowingTaskGroup(of: ModelRunner.Update?.self) { group in
            group.addTask { try await self.runner.update(claimed.request, settings: settings, control: control) }
            group.addTask {
                await self.watch(claimed.claim, control)
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
    }

    /// What is written down of an update: what it did and measured, with what, and what the gate said.
    private func record(of update: ModelRunner.Update, strength: Int, verdict: GateVerdict?) -> JSONValue {
        var record = update.record.json.objectValue ?? JSONObject()
        let settings = update.settings
        record["settings"] = [
            "epochs": .integer(Int64(settings.epochs)), "optimizer": .string(settings.optimizer.name),
            "learning_rate": .number(settings.learningRate),
            "layers": .integer(Int64(settings.layerCount)), "targeting": .string(settings.targeting.rawValue),
            "keep_weight": .number(settings.keepWeight), "window": .integer(Int64(settings.window)),
        ]
        record["strengthened"] = .integer(Int64(strength))
        record["gate"] = verdict?.json ?? .null
        record["code_version"] = .string(codeVersion)
        return .object(record)
    }

    private func completeWithoutChange(_ claimed: ClaimedRequest, _ update: ModelRunner.Update) async throws {
        let head = claimed.head
        let manifest = try await generations.offPool { try $0.verify(claimed.model, head, depth: .sizes) }
        try await database.completeWithoutChange(
            claimed.claim, head: head.number, record: record(of: update, strength: 0, verdict: nil),
            files: manifest.files)
        await runner.revert()
        logger.info("request applied without a change", metadata: ["request": "\(claimed.claim.id)"])
    }

    /// Publishes an update that was accepted.
    private func settle(_ claimed: ClaimedRequest, _ update: ModelRunner.Update, _ record: JSONValue) async throws {
        let published = try await publish(claimed, update)
        let head: GenerationRow
        do {
            head = try await database.complete(
                [Completion(claim: claimed.claim, record: record, memory: update.memory)], generation: published)
        } catch {
            await deleteUnreferenced(published)
            throw error
        }
        try await runner.accept(update, head: source(claimed.model, head))
        logger.info(
            "request applied", metadata: ["request": "\(claimed.claim.id)", "generation": "\(head.number)"])
    }

    /// Deletes a published folder whose commit failed, once the store says that nothing refers to it. What cannot be
    /// deleted now goes at the next start.
    private func deleteUnreferenced(_ published: PublishedGeneration) async {
        guard database.failure == nil else { return }
        do {
            let known = try await database.generations(published.model).map(\.folder)
            guard !known.contains(published.folder) else { return }
            try await generations.offPool { try $0.delete(published.model, folder: published.folder) }
        } catch {
            logger.warning("a generation was left behind", metadata: ["error": "\(Self.describe(error))"])
        }
    }

    private func publish(_ claimed: ClaimedRequest, _ update: ModelRunner.Update) async throws -> PublishedGeneration {
        let staging = try await generations.offPool { store in
            try store.stage(model: claimed.model, fence: claimed.claim.fence, parent: claimed.head)
        }
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

    /// What becomes of a claim whose work failed.
    package enum Disposition: Equatable {
        /// The store cannot be trusted: the process ends.
        case stop
        /// Given back; queued again at once.
        case release
        /// The same, unless somebody else has settled it.
        case releaseIfHeld
        /// Tried again after so many seconds.
        case retry(TimeInterval)
        /// Failed for good, unless the head has moved in the meantime: then it is queued again.
        case fail
    }

    /// The rule: errors that may pass are tried again, later each time, until ``maximumAttempts`` are used up.
    /// - Parameter attempt: how often the request was taken, this time included.
    package static func disposition(of code: LetheError.Code, attempt: Int) -> Disposition {
        switch code {
        case .syncFailed: return .stop
        case .cancelled: return .release
        // Cancelled by its caller, or the head moved under it; in the second case it is tried again.
        case .conflict, .invalidState: return .releaseIfHeld
        case _ where mayPass(code):
            guard attempt < maximumAttempts else { return .fail }
            return .retry(pow(2, Double(max(0, min(attempt, 10)))) * 5)
        default: return .fail
        }
    }

    /// Whether an error may be gone at the next try.
    private static func mayPass(_ code: LetheError.Code) -> Bool {
        [.diskFull, .ioError, .unavailable].contains(code)
    }

    /// Ends a claim whose work failed. Where not even that can be written, as on a full disk, it is tried again until
    /// it can; a shutdown leaves the claim to the next start.
    /// - Throws: when the store cannot be written any more.
    private func conclude(_ claimed: ClaimedRequest, _ error: any Error) async throws {
        let claim = claimed.claim
        let failure = error as? LetheError ?? LetheError(.internalError, "unexpected error")
        logger.warning(
            "request not applied", metadata: ["request": "\(claim.id)", "error": "\(Self.describe(error))"])
        while true {
            do {
                return try await end(claimed, failure)
            } catch let second as LetheError where second.code == .conflict || second.code == .invalidState {
                // Not held any more: whoever took it has settled it.
                return
            } catch let second as LetheError where Self.mayPass(second.code) {
                logger.error("a request waits for the store", metadata: ["error": "\(Self.describe(second))"])
                try? await Task.sleep(for: .seconds(Self.storePause))
                if Task.isCancelled || Task.isShuttingDownGracefully { return }
            }
        }
    }

    private func end(_ claimed: ClaimedRequest, _ failure: LetheError) async throws {
        let claim = claimed.claim
        switch Self.disposition(of: failure.code, attempt: claimed.attempt) {
        case .stop:
            throw failure
        case .release:
            try await database.release(claim)
        case .releaseIfHeld:
            try await database.checkClaim(claim)
            try await database.release(claim)
        case .retry(let delay):
            try await database.scheduleRetry(
                claim, at: clock.now().addingTimeInterval(delay), code: failure.code.rawValue,
                message: failure.message)
        case .fail:
            // After a rollback the files that it worked on may have been purged: it begins again on the new head.
            guard try await database.head(claimed.model).number == claimed.head.number else {
                return try await database.release(claim)
            }
            try await database.fail(claim, code: failure.code.rawValue, message: failure.message)
        }
    }

    /// An error for the log; free of request text.
    static func describe(_ error: any Error) -> String {
        (error as? LetheError).map(\.description) ?? String(describing: type(of: error))
    }
}

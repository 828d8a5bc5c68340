import Foundation
import LetheCore
import LetheEvaluation
import LetheStore
import Logging
import ServiceLifecycle
import Synchronization

/// Evaluations between requests: they share the engine, and requests go first.
extension RequestWorker {
    /// Time between two looks at a running evaluation, and between two entries of its progress.
    private static let lookInterval = Duration.milliseconds(500)
    private static let progressInterval = Duration.seconds(15)

    /// Takes evaluations back that an earlier run of the program held, and removes what ended ones left behind.
    func recoverEvaluations() async throws {
        let rescued = try await database.rescueEvaluations()
        if !rescued.isEmpty {
            logger.notice("evaluations taken back", metadata: ["count": "\(rescued.count)"])
        }
        await EvaluationFolder.sweep(database.evaluationsURL) { [database] id in
            (try? await database.evaluation(id).state.isFinal) ?? true
        }
    }

    /// Runs the evaluation that has waited longest until it ends or has to give way.
    /// - Returns: whether there was one, so that the queue is worth another look.
    /// - Throws: when the store cannot be written any more.
    func evaluateNext() async throws -> Bool {
        guard let row = try await database.claimEvaluation() else { return false }
        let control = EvaluationControl()
        evaluation.withLock { $0 = control }
        defer { evaluation.withLock { $0 = nil } }
        // Whatever came before the control was there did not stop it.
        if Task.isShuttingDownGracefully { control.stop(.shutdown) }
        if try await database.hasQueuedRequests() { control.stop(.requests) }
        logger.info("evaluation started", metadata: ["evaluation": "\(row.id)", "run": "\(row.runs)"])
        let folder = EvaluationFolder(database.evaluationsURL, row.id)
        do {
            try await run(row, folder, control)
            try await conclude(row, folder, control, nil)
        } catch {
            try await conclude(row, folder, control, error)
        }
        return true
    }

    private func run(_ row: EvaluationRow, _ folder: EvaluationFolder, _ control: EvaluationControl) async throws {
        try folder.make()
        var model: URL?
        if let (name, generation) = row.model {
            try await generations.offPool { _ = try $0.verify(name, generation, depth: .sizes) }
            model = generations.url(name, generation)
        }
        if control.reason != nil { throw CancellationError() }
        let watcher = Task { await watch(row.id, control) }
        defer { watcher.cancel() }
        try await evaluations.run(row, model: model, folder: folder, control: control)
    }

    /// Writes progress down, and stops the run once the evaluation is cancelled.
    private func watch(_ id: EvaluationID, _ control: EvaluationControl) async {
        var lastPhase: String?
        var lastEntry: ContinuousClock.Instant?
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.lookInterval)
            guard !Task.isCancelled, control.reason == nil else { return }
            do {
                guard try await database.evaluation(id).state == .running else { return control.stop(.cancelled) }
                guard let progress = control.progress else { continue }
                let isDue = lastEntry.map { ContinuousClock.now - $0 >= Self.progressInterval } ?? true
                guard isDue || progress.phase != lastPhase else { continue }
                (lastPhase, lastEntry) = (progress.phase, .now)
                try await database.progressEvaluation(id, Self.json(progress))
            } catch let error as LetheError where error.code == .invalidState {
                return control.stop(.cancelled)
            } catch {
                return control.stop(
                    .failure(error as? LetheError ?? LetheError(.internalError, "progress cannot be written")))
            }
        }
    }

    private static func json(_ progress: BenchmarkProgress) -> JSONValue {
        func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        return [
            "phase": .string(progress.phase), "share": .number(progress.share),
            "overall": number(progress.overall), "seconds_left": number(progress.secondsLeft),
        ]
    }

    /// Records how a run ended.
    /// - Throws: when the store cannot be written any more.
    private func conclude(
        _ row: EvaluationRow, _ folder: EvaluationFolder, _ control: EvaluationControl, _ error: (any Error)?
    ) async throws {
        do {
            if error is CancellationError, let reason = control.reason?.interruption {
                logger.info(
                    "evaluation interrupted", metadata: ["evaluation": "\(row.id)", "reason": "\(reason)"])
                return try await database.interruptEvaluation(row.id, reason: reason)
            }
            // Copies of weights go before anybody can take the evaluation for ended.
            folder.removeScratch()
            if let error {
                var failure = error as? LetheError ?? LetheError(.internalError, "unexpected error")
                if case .failure(let stored) = control.reason { failure = stored }
                if control.reason == .cancelled { return folder.remove() }
                logger.warning(
                    "evaluation failed", metadata: ["evaluation": "\(row.id)", "error": "\(Self.describe(failure))"])
                if failure.code == .syncFailed { throw failure }
                return try await database.finishEvaluation(row.id, error: failure)
            }
            try folder.sync()
            try await database.finishEvaluation(row.id, error: nil)
            logger.info("evaluation succeeded", metadata: ["evaluation": "\(row.id)"])
        } catch let second as LetheError where second.code == .invalidState {
            // Cancelled in the meantime.
            folder.remove()
        }
    }
}

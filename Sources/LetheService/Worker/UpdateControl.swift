import LetheCore
import LetheStore
import LetheUnlearning
import Synchronization

/// What passes between the thread that trains and the task that watches it: progress one way, the wish to stop the
/// other.
final class UpdateControl: Sendable {
    private struct State {
        var latest: ProgressUpdate?
        var stop: LetheError?
    }

    private let state = Mutex(State())

    /// Called by the training thread between steps.
    /// - Throws: the reason when the work should stop.
    func report(_ progress: Unlearner.Progress) throws {
        let values = [("forget_nll", progress.forgetNLL), ("keep_nll", progress.keepNLL)]
        let update = ProgressUpdate(
            phase: progress.phase, step: progress.step, total: progress.steps,
            values: values.compactMap { name, value in value.map { (name: name, value: $0) } })
        let stop = state.withLock { state in
            state.latest = update
            return state.stop
        }
        if let stop { throw stop }
        try FailPoint.reach(
            progress.phase == "training" && progress.step > 0 ? "update.after_step" : "update.before_first_step")
    }

    /// Asks the training thread to stop with this error at its next step.
    func stop(_ reason: LetheError) { state.withLock { $0.stop = $0.stop ?? reason } }

    /// The newest progress that was not taken yet.
    func takeProgress() -> ProgressUpdate? {
        state.withLock { state in
            defer { state.latest = nil }
            return state.latest
        }
    }
}

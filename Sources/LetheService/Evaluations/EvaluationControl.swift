import LetheCore
import LetheEvaluation
import Synchronization

/// What passes between the thread that evaluates and the task that watches it.
final class EvaluationControl: Sendable {
    /// Why a run ends early.
    enum Stop: Equatable {
        /// Deletion requests wait; it goes on after them.
        case requests
        /// The daemon ends; it goes on at the next start.
        case shutdown
        /// It is not wanted any more.
        case cancelled
        /// The store cannot be written.
        case failure(LetheError)

        /// What ``LetheDatabase/interruptEvaluation(_:reason:)`` is told; nil when the run does not go on.
        var interruption: String? {
            switch self {
            case .requests: "requests"
            case .shutdown: "shutdown"
            case .cancelled, .failure: nil
            }
        }
    }

    private struct State {
        var latest: BenchmarkProgress?
        var stop: Stop?
    }

    private let state = Mutex(State())

    /// Called by the evaluating thread, often.
    /// - Throws: CancellationError when the run has to end.
    func report(_ progress: BenchmarkProgress) throws {
        let isStopped = state.withLock { state in
            state.latest = progress
            return state.stop != nil
        }
        if isStopped { throw CancellationError() }
    }

    /// Asks the evaluating thread to end; the first reason counts.
    func stop(_ reason: Stop) { state.withLock { $0.stop = $0.stop ?? reason } }

    /// Why it was asked to end.
    var reason: Stop? { state.withLock { $0.stop } }

    /// The newest progress.
    var progress: BenchmarkProgress? { state.withLock { $0.latest } }
}

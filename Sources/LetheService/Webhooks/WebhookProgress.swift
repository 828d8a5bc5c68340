import Synchronization

/// Which endpoints are being served at the moment, and how far their search for events has come.
final class WebhookProgress: Sendable {
    private struct State {
        var busy: Set<String> = []
        /// Whether somebody was turned away since the last end.
        var hasMissed = false
        var scanned: [String: Int64] = [:]
        var timer: Task<Void, Never>?
        var failure: (any Error)?
    }

    private let concurrency: Int
    private let state = Mutex(State())

    init(concurrency: Int) { self.concurrency = max(1, concurrency) }

    /// Whether the endpoint may be served now; only one task serves it at a time.
    func begin(_ id: String) -> Bool {
        state.withLock { state in
            guard state.busy.count < concurrency, state.busy.insert(id).inserted else {
                state.hasMissed = true
                return false
            }
            return true
        }
    }

    /// - Returns: whether somebody was turned away meanwhile, and has to look again.
    func end(_ id: String) -> Bool {
        state.withLock { state in
            state.busy.remove(id)
            defer { state.hasMissed = false }
            return state.hasMissed
        }
    }

    func isBusy(_ id: String) -> Bool { state.withLock { $0.busy.contains(id) } }

    /// Calls `action` after some seconds, and forgets the call that was to come before; nil for none.
    func wake(after seconds: Double?, _ action: @escaping @Sendable () -> Void) {
        let timer = seconds.map { seconds in
            Task {
                do { try await Task.sleep(for: .seconds(seconds)) } catch { return }
                action()
            }
        }
        state.withLock { state in
            state.timer?.cancel()
            state.timer = timer
        }
    }

    /// The first failure after which there was no use in going on.
    var failure: (any Error)? { state.withLock { $0.failure } }

    func fail(_ error: any Error) {
        state.withLock { if $0.failure == nil { $0.failure = error } }
    }

    /// The event up to which the endpoint has had everything.
    func scanned(_ id: String) -> Int64 { state.withLock { $0.scanned[id] ?? 0 } }

    func scanned(_ id: String, to sequence: Int64) { state.withLock { $0.scanned[id] = sequence } }
}

import Foundation
import Synchronization

/// Tells listeners that events were committed.
final class EventFeed: Sendable {
    private struct State {
        var listeners: [Int: AsyncStream<Int64>.Continuation] = [:]
        var next = 0
        var last: Int64 = 0
        var isFinished = false
    }

    private let state = Mutex(State())

    /// Announces that every event up to `sequence` can be read.
    func publish(_ sequence: Int64) {
        let listeners = state.withLock { state -> [AsyncStream<Int64>.Continuation] in
            guard sequence > state.last else { return [] }
            state.last = sequence
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield(sequence) }
    }

    /// Announces a change that has no sequence.
    func announce() { publish(state.withLock { $0.last } + 1) }

    /// A stream of announcements; a slow listener gets the latest only.
    func listen() -> AsyncStream<Int64> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int64.self, bufferingPolicy: .bufferingNewest(1))
        let key: Int? = state.withLock { state in
            guard !state.isFinished else { return nil }
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        guard let key else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: key) }
        }
        return stream
    }

    /// Ends every stream.
    func finish() {
        let listeners = state.withLock { state -> [AsyncStream<Int64>.Continuation] in
            state.isFinished = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}

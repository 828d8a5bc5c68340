/// The life cycle of a request as a pure function; every change of state in the store goes through it.
public enum RequestStateMachine {
    /// One row of the table: `event` moves a request from `source` to `target`.
    public struct Transition: Sendable, Hashable {
        /// The state before.
        public let source: RequestState
        /// What happens.
        public let event: RequestEvent
        /// The state after.
        public let target: RequestState
    }

    /// The state that a request enters when it is accepted.
    public static let initial = RequestState.queued

    /// The state after `event`, or nil where the event is not allowed in `state`.
    public static func next(_ state: RequestState, on event: RequestEvent) -> RequestState? {
        switch (state, event) {
        case (.queued, .claim): .running
        case (.queued, .cancel): .cancelled

        case (.running, .beginVerification): .verifying
        case (.running, .alreadyForgotten): .applied
        case (.verifying, .strengthen): .running
        case (.verifying, .publish): .applied
        case (.running, .fail), (.verifying, .fail): .failed
        case (.running, .deferRetry), (.verifying, .deferRetry): .retryable
        case (.running, .release), (.verifying, .release): .queued
        case (.running, .rescue), (.verifying, .rescue): .queued
        case (.running, .cancel), (.verifying, .cancel): .cancelled

        case (.retryable, .requeue), (.retryable, .retry): .queued
        case (.retryable, .cancel): .cancelled

        case (.failed, .retry): .queued

        case (.applied, .purge): .purged
        case (.applied, .rollBack): .failed

        default: nil
        }
    }

    /// Every allowed transition, by state and then by event in declaration order.
    public static let transitions: [Transition] = RequestState.allCases.flatMap { state in
        RequestEvent.allCases.compactMap { event in
            next(state, on: event).map { Transition(source: state, event: event, target: $0) }
        }
    }

    /// The states in which `event` is allowed, in declaration order.
    public static func states(accepting event: RequestEvent) -> [RequestState] {
        RequestState.allCases.filter { next($0, on: event) != nil }
    }
}

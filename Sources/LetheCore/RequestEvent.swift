/// What can happen to a request; the inputs of ``RequestStateMachine``.
public enum RequestEvent: String, Sendable, CaseIterable, Hashable, CustomStringConvertible {
    /// A worker takes the request under a new fence.
    case claim
    /// The worker has finished the update and starts to check it.
    case beginVerification = "begin_verification"
    /// The check was not passed: the worker makes the update again, stronger.
    case strengthen
    /// The generation with the update is durable and becomes the head.
    case publish
    /// The filter found that the model no longer holds anything of the request; no generation is made.
    case alreadyForgotten = "already_forgotten"
    /// The worker gives up for good.
    case fail
    /// The worker gives up for now, for a passing reason.
    case deferRetry = "defer_retry"
    /// The time to try again has come.
    case requeue
    /// An operator asks to try again.
    case retry
    /// A caller stops the request before it is applied.
    case cancel
    /// The worker gives the request back undone, as at shutdown.
    case release
    /// The worker that held the request is gone.
    case rescue
    /// The head moved back to a generation from before the request.
    case rollBack = "roll_back"
    /// The last older generation that held the content was deleted.
    case purge

    /// The name that events carry.
    public var description: String { rawValue }
}

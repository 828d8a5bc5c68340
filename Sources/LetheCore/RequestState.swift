/// Where a request is in its life.
///
/// The allowed moves are in ``RequestStateMachine``; the CHECK constraints and the trigger of the database schema
/// mirror them, and Docs/states.md draws them.
public enum RequestState: String, Sendable, CaseIterable, Hashable, CustomStringConvertible {
    /// Durable and waiting for a worker. A crash leaves it as it is.
    case queued
    /// Held by one worker under a fence. A crash leaves it here; the next start puts it back to `queued`.
    case running
    /// Held by the same worker, the update done and being checked against the thresholds. A crash is handled as in
    /// `running`: the head generation has not moved.
    case verifying
    /// In effect: its generation is durable and in the lineage of the head. Older generations may still hold the
    /// content.
    case applied
    /// In effect, and no generation that still holds the content is kept.
    case purged
    /// Stopped on request before it was applied; nothing of it is in any generation.
    case cancelled
    /// Given up, with an error code; nothing of it is in the head. An operator can retry it while its text is kept.
    case failed
    /// Failed for a passing reason; goes back to `queued` at `retry_at`.
    case retryable

    /// The name that the API uses.
    public var description: String { rawValue }

    /// Whether a worker holds the request, so that the row carries a fence and a boot id.
    public var isHeld: Bool { self == .running || self == .verifying }

    /// Whether the request has ended, so that the row carries `finalized_at` and its text may be destroyed.
    /// `applied` and `failed` can still be left, by a purge, a rollback or a retry.
    public var isFinal: Bool {
        switch self {
        case .applied, .purged, .cancelled, .failed: true
        case .queued, .running, .verifying, .retryable: false
        }
    }
}

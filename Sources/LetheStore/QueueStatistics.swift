import Foundation
import LetheCore

/// Numbers for metrics and readiness.
public struct QueueStatistics: Sendable {
    /// A combination of labels.
    public struct Key: Sendable, Hashable {
        /// The state of the requests.
        public let state: RequestState
        /// The kind of the requests.
        public let kind: RequestKind

        /// Names a combination.
        public init(state: RequestState, kind: RequestKind) {
            self.state = state
            self.kind = kind
        }
    }

    /// How many requests there are by state and kind; combinations without any are missing.
    public internal(set) var counts: [Key: Int] = [:]
    /// When the oldest queued request arrived.
    public internal(set) var oldestQueued: Date?
    /// The earliest deadline of an open request, by kind.
    public internal(set) var earliestDue: [RequestKind: Date] = [:]
    /// Applied requests whose content an older kept generation still holds.
    public internal(set) var awaitingPurge = 0
    /// The size of the write-ahead log.
    public internal(set) var logBytes = 0
    /// Free bytes for the data directory.
    public internal(set) var availableBytes = 0
}

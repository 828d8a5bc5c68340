import LetheCore

/// How much a store takes in before it refuses further submissions, so that a flood cannot fill the disk.
public struct AdmissionLimits: Sendable, Equatable {
    /// The most requests that wait or are worked on; a further one is refused with `queue_full`.
    public var pending = 200_000
    /// Bytes that have to stay free for the data directory; with fewer, submissions are refused with `disk_full`.
    public var freeBytes = 64 << 20

    /// The default limits.
    public init() {}
}

extension LetheError.Code {
    /// As many requests are waiting as the store takes.
    public static let queueFull = LetheError.Code(rawValue: "queue_full")
}

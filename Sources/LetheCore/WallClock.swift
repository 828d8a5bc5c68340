import Foundation

/// Where the time of day comes from; injected so that tests can set it.
public protocol WallClock: Sendable {
    /// The current time.
    func now() -> Date
}

/// The machine's clock.
public struct SystemClock: WallClock {
    /// Creates a value.
    public init() {}
    /// The current time.
    public func now() -> Date { Date() }
}

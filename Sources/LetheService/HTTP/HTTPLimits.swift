import LetheCore

/// Every bound of the HTTP interface; over one of them a client gets 408, 413, 414, 429 or 431, never a crash.
public struct HTTPLimits: Sendable, Equatable {
    /// Bytes of the request target; more is 414.
    public var targetBytes = 4 << 10
    /// Bytes of all header names and values together; more is 431.
    public var headerBytes = 16 << 10
    /// Bytes of a request body; more is 413.
    public var bodyBytes = RequestLimits.default.bodyBytes
    /// Arrays and objects inside one another in a JSON body.
    public var jsonDepth = RequestLimits.default.depth
    /// JSON values of all kinds in a body.
    public var jsonElements = 50_000
    /// Time for a request's line and headers, from the connection's opening or the request's first byte.
    public var headerTimeout: Duration = .seconds(10)
    /// Time for a request's body; more is 408.
    public var bodyTimeout: Duration = .seconds(30)
    /// Time for which a client may leave a full connection unread before it is dropped.
    public var writeTimeout: Duration = .seconds(30)
    /// Time that a connection may stay open without a request.
    public var idleTimeout: Duration = .seconds(60)
    /// Open connections; further ones wait in the listen backlog.
    public var connections = 256
    /// Open event streams; more is 429.
    public var eventStreams = 16
    /// Calls with one API key; more is 429.
    public var keyRate = RateLimit(perSecond: 200, burst: 400)
    /// Calls from one address, with whatever keys, once keys are needed; more is 429.
    public var addressRate = RateLimit(perSecond: 400, burst: 800)
    /// Calls from one address without a valid key; more is 429 instead of 401.
    public var failureRate = RateLimit(perSecond: 1.0 / 6, burst: 10)
    /// Entries of a page when the caller names no number.
    public var defaultPageSize = 50
    /// The most entries of a page.
    public var maximumPageSize = 200
    /// Characters of an idempotency key.
    public var idempotencyKeyLength = 255

    /// Creates the default limits.
    public init() {}
}

import Foundation

/// How events are sent to webhooks, and where to.
public struct WebhookPolicy: Sendable {
    /// Ports that an https endpoint may have.
    public var ports: Set<Int> = [443, 8443]
    /// Whether endpoints on this machine's loopback may be registered too, on any port and without TLS: for tests and
    /// for receivers that run beside the daemon.
    public var allowsLoopback = false
    /// Time for one delivery, connection included.
    public var timeout: Duration = .seconds(15)
    /// Bytes of an answer; more fails the delivery.
    public var answerBytes = 64 << 10
    /// The waits between the attempts at one event; when the last attempt has failed, the endpoint is disabled. The
    /// default is the schedule of the Standard Webhooks specification: ten attempts over about three days.
    public var waits: [Duration] = [
        .seconds(5), .seconds(300), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000),
        .seconds(50_400), .seconds(72_000), .seconds(86_400),
    ]
    /// The longest wait that a receiver can ask for with `Retry-After`.
    public var longestWait: Duration = .seconds(86_400)
    /// Deliveries at the same time, to different endpoints.
    public var concurrency = 8

    /// The default policy.
    public init() {}
}

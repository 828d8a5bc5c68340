/// Why an attempt at a delivery failed.
public enum WebhookFailure: String, Sendable, CaseIterable {
    /// The name has no address.
    case notResolved = "not_resolved"
    /// The address is one that no webhook may reach.
    case forbiddenAddress = "forbidden_address"
    /// No connection, no TLS, or no answer in time.
    case unreachable
    /// Another answer than 2xx.
    case status
    /// 410: the receiver wants nothing more.
    case gone
    /// The answer was too large.
    case tooLarge = "too_large"
}

import Foundation
import LetheCore

/// What a delivery needs of an active endpoint.
public struct WebhookTarget: Sendable {
    /// The endpoint's id.
    public let id: String
    /// Where events are sent.
    public let url: Sensitive<String>
    /// The key of the signatures.
    public let secret: Sensitive<Data>
    /// The states whose events are sent.
    public let states: Set<RequestState>
    /// The last event that is done with.
    public let cursor: Int64
    /// Failed attempts at the event after it.
    public let attempts: Int
    /// When the next attempt is due; nil for now.
    public let nextAt: Date?
}

import Foundation
import LetheCore

/// A webhook endpoint as it is stored and shown: everything but the signing secret.
public struct WebhookRow: Sendable {
    /// Whether an endpoint is sent events.
    public enum State: String, Sendable, CaseIterable {
        case active, disabled
    }

    /// `wh_` and 32 hexadecimal digits.
    public let id: String
    /// Where events are sent. May hold a token of the receiver's: shown to administrators, never logged.
    public let url: Sensitive<String>
    /// The states whose events are sent.
    public let states: Set<RequestState>
    /// When it was registered.
    public let createdAt: Date
    /// The key that registered it.
    public let createdBy: String?
    /// Whether it is sent events.
    public let state: State
    /// The last event that is done with.
    public let cursor: Int64
    /// Failed attempts at the event after it.
    public let attempts: Int
    /// When the next attempt is due.
    public let nextAt: Date?
    /// How many events were delivered.
    public let delivered: Int
    /// When the last one was.
    public let lastDeliveredAt: Date?
    /// Why the last attempt failed: a word of ``WebhookFailure``; nil after a success.
    public let failure: String?
    /// The status that was answered then.
    public let failureStatus: Int?
    /// When it was disabled.
    public let disabledAt: Date?

    /// The states in their order of declaration, as words.
    public var stateWords: [String] { RequestState.allCases.filter(states.contains).map(\.rawValue) }

    /// Whether a text has the form of an endpoint's id.
    public static func isID(_ text: String) -> Bool {
        text.hasPrefix("wh_") && UUIDv7(hexadecimal: text.dropFirst(3)) != nil
    }

    /// The object of the API.
    public var json: JSONValue {
        func time(_ date: Date?) -> JSONValue { date.map { .string(Timestamp.string($0)) } ?? .null }
        return [
            "id": .string(id), "url": .string(url.reveal()), "states": .array(stateWords.map { .string($0) }),
            "state": .string(state.rawValue), "created_at": time(createdAt),
            "created_by": createdBy.map { .string($0) } ?? .null, "delivered": .integer(Int64(delivered)),
            "last_delivered_at": time(lastDeliveredAt), "failed_attempts": .integer(Int64(attempts)),
            "next_attempt_at": time(nextAt), "failure": failure.map { .string($0) } ?? .null,
            "failure_status": failureStatus.map { .integer(Int64($0)) } ?? .null, "disabled_at": time(disabledAt),
        ]
    }
}

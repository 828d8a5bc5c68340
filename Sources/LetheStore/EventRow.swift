import Foundation
import LetheCore

/// One thing that happened to a request or a model. Holds ids, codes and numbers, never text of a request.
public struct EventRow: Sendable {
    /// Its place in the order of all events; the `id` of a server-sent event.
    public let sequence: Int64
    /// The request it is about; nil when it is about a model only.
    public let requestID: RequestID?
    /// When it happened.
    public let at: Date
    /// `submitted`, `progress`, `text_destroyed`, the raw value of a ``RequestEvent``, or an event of a model:
    /// `model_registered`, `generation_published`, `head_moved_back`, `generation_purging`, `generation_purged`.
    public let kind: String
    /// The state before; nil when the state is not changed.
    public let from: RequestState?
    /// The state after; nil when the state is not changed.
    public let to: RequestState?
    /// The attempt during which it happened.
    public let attempt: Int?
    /// More about it, as an object.
    public let detail: JSONValue?

    /// The object of the API.
    public var json: JSONValue {
        var object = JSONObject()
        object["sequence"] = .integer(sequence)
        object["request_id"] = requestID.map { .string($0.rawValue) } ?? .null
        object["at"] = .string(Timestamp.string(at))
        object["kind"] = .string(kind)
        object["from"] = from.map { .string($0.rawValue) } ?? .null
        object["to"] = to.map { .string($0.rawValue) } ?? .null
        object["attempt"] = attempt.map { .integer(Int64($0)) } ?? .null
        object["detail"] = detail ?? .null
        return .object(object)
    }
}

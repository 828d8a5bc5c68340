import Foundation
import LetheCore

/// One thing that happened to an evaluation.
public struct EvaluationEventRow: Sendable {
    /// Its place in the order of all of them; the `id` of a server-sent event.
    public let sequence: Int64
    /// The evaluation it is about.
    public let evaluationID: EvaluationID
    /// When it happened.
    public let at: Date
    /// `submitted`, `started`, `progress`, `interrupted`, `succeeded`, `failed` or `cancelled`.
    public let kind: String
    /// The state before; nil when the state is not changed.
    public let from: EvaluationState?
    /// The state after; nil when the state is not changed.
    public let to: EvaluationState?
    /// More about it, as an object.
    public let detail: JSONValue?

    /// The object of the API.
    public var json: JSONValue {
        [
            "sequence": .integer(sequence), "evaluation_id": .string(evaluationID.rawValue),
            "at": .string(Timestamp.string(at)), "kind": .string(kind),
            "from": from.map { .string($0.rawValue) } ?? .null, "to": to.map { .string($0.rawValue) } ?? .null,
            "detail": detail ?? .null,
        ]
    }
}

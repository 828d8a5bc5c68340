import Foundation
import LetheCore

/// A request as the store knows it, without its text.
public struct RequestRow: Sendable, CustomStringConvertible {
    /// The request's name.
    public let id: RequestID
    /// Counts the changes of the row, from 1; the API's ETag.
    public let revision: Int64
    /// Where it is in its life.
    public let state: RequestState
    /// What is done with the items.
    public let kind: RequestKind
    /// The category that the caller put it in.
    public let category: RequestCategory
    /// The caller's own name for the case; nil when none was given or when the text was destroyed.
    public let reference: Sensitive<String>?
    /// How it is carried out; nil when the text was destroyed.
    public let options: RequestOptions?
    /// The model it is for.
    public let model: String
    /// Larger is sooner.
    public let priority: Int
    /// When it has to be applied.
    public let dueAt: Date?
    /// How many items it has.
    public let itemCount: Int
    /// How many keep texts it has.
    public let keepCount: Int
    /// How often a worker took it.
    public let attempt: Int
    /// When it was accepted.
    public let createdAt: Date
    /// When the row last changed.
    public let updatedAt: Date
    /// When a worker first took it.
    public let startedAt: Date?
    /// When it entered its final state.
    public let finalizedAt: Date?
    /// When the last older generation that held its content was gone.
    public let purgedAt: Date?
    /// When a `retryable` request is queued again.
    public let retryAt: Date?
    /// The number of the head generation with which it was applied.
    public let generation: Int?
    /// Whether that generation was made for it; false when the filter found it already forgotten.
    public let changed: Bool?
    /// The code of the last error, kept while it is tried again.
    public let errorCode: String?
    /// The message of the last error.
    public let errorMessage: String?
    /// What the update did and measured, as the worker wrote it.
    public let record: JSONValue?
    /// When its text was destroyed.
    public let destroyedAt: Date?

    /// Id, state and revision; nothing of the reference.
    public var description: String { "RequestRow(\(id), \(state), revision \(revision))" }

    /// The object of the API; holds the reference in clear.
    public var json: JSONValue {
        func time(_ date: Date?) -> JSONValue { date.map { .string(Timestamp.string($0)) } ?? .null }
        var object = JSONObject()
        object["id"] = .string(id.rawValue)
        object["state"] = .string(state.rawValue)
        object["kind"] = .string(kind.rawValue)
        object["category"] = .string(category.rawValue)
        object["reference"] = reference.map { .string($0.reveal()) } ?? .null
        object["model"] = .string(model)
        object["priority"] = .integer(Int64(priority))
        object["due_at"] = time(dueAt)
        object["item_count"] = .integer(Int64(itemCount))
        object["keep_count"] = .integer(Int64(keepCount))
        object["options"] = options?.json ?? .null
        object["attempt"] = .integer(Int64(attempt))
        object["created_at"] = time(createdAt)
        object["updated_at"] = time(updatedAt)
        object["started_at"] = time(startedAt)
        object["finalized_at"] = time(finalizedAt)
        object["purged_at"] = time(purgedAt)
        object["retry_at"] = time(retryAt)
        object["generation"] = generation.map { .integer(Int64($0)) } ?? .null
        object["changed"] = changed.map { .bool($0) } ?? .null
        object["error"] =
            errorCode.map { code in
                .object(JSONObject([("code", .string(code)), ("message", .string(errorMessage ?? ""))]))
            } ?? .null
        object["record"] = record ?? .null
        object["text_destroyed_at"] = time(destroyedAt)
        return .object(object)
    }

    /// The row as it was when the request was accepted: what a replay of the submission answers, whatever has
    /// happened since.
    public var accepted: RequestRow {
        RequestRow(
            id: id, revision: 1, state: RequestStateMachine.initial, kind: kind, category: category,
            reference: reference, options: options, model: model, priority: priority, dueAt: dueAt,
            itemCount: itemCount, keepCount: keepCount, attempt: 0, createdAt: createdAt, updatedAt: createdAt,
            startedAt: nil, finalizedAt: nil, purgedAt: nil, retryAt: nil, generation: nil, changed: nil,
            errorCode: nil, errorMessage: nil, record: nil, destroyedAt: nil)
    }
}

import Foundation
import LetheCore

/// One generation of a model as the database knows it.
public struct GenerationRow: Sendable, Equatable {
    /// Whether its files are there.
    public enum State: String, Sendable {
        /// They are.
        case kept
        /// They are being deleted; after a crash the deletion goes on at the next start.
        case purging
        /// They are gone; the row stays as history.
        case purged
    }

    /// Counts the generations of a model, from 0 for the imported one; never used twice.
    public let number: Int
    /// The number of the generation it was made from; nil for an imported one.
    public let parent: Int?
    /// The name of its folder below `models/<name>/generations`.
    public let folder: String
    /// SHA-256 of its manifest.json.
    public let manifestDigest: Data
    /// The size of its files, those shared with other generations included.
    public let byteCount: Int
    /// Whether its files are there.
    public let state: State
    /// Whether it is what is served.
    public let isHead: Bool
    /// When it became the head for the first time.
    public let createdAt: Date
    /// When the head last moved away from it.
    public let supersededAt: Date?
    /// When its files were gone.
    public let purgedAt: Date?
    /// The requests that were applied by it and are still in effect.
    public let requestIDs: [RequestID]

    /// The object of the API.
    public var json: JSONValue {
        func time(_ date: Date?) -> JSONValue { date.map { .string(Timestamp.string($0)) } ?? .null }
        var object = JSONObject()
        object["number"] = .integer(Int64(number))
        object["parent"] = parent.map { .integer(Int64($0)) } ?? .null
        object["state"] = .string(state.rawValue)
        object["is_head"] = .bool(isHead)
        object["manifest_sha256"] = .string(Hexadecimal.string(manifestDigest))
        object["bytes"] = .integer(Int64(byteCount))
        object["created_at"] = time(createdAt)
        object["superseded_at"] = time(supersededAt)
        object["purged_at"] = time(purgedAt)
        object["request_ids"] = .array(requestIDs.map { .string($0.rawValue) })
        return .object(object)
    }
}

import Foundation
import LetheCore

/// A model of the store.
public struct ModelRow: Sendable, Equatable {
    /// The name that requests use.
    public let name: String
    /// When it was registered.
    public let createdAt: Date
    /// What is served.
    public let head: GenerationRow
    /// How many generations have their files.
    public let keptGenerations: Int
    /// How many requests wait, run or are to be tried again.
    public let openRequests: Int

    /// The object of the API.
    public var json: JSONValue {
        .object(
            JSONObject([
                ("name", .string(name)),
                ("created_at", .string(Timestamp.string(createdAt))),
                ("head", head.json),
                ("kept_generations", .integer(Int64(keptGenerations))),
                ("open_requests", .integer(Int64(openRequests))),
            ]))
    }
}

import Foundation
import LetheCore

/// An API key as it is stored and shown: everything but the secret.
public struct APIKeyRow: Sendable, Equatable {
    /// Names the key in logs and lists.
    public let id: String
    /// What the key is for, as its maker called it.
    public let name: String
    /// What it allows.
    public let scopes: Set<AccessScope>
    /// When it was made.
    public let createdAt: Date
    /// The key that made it; nil when it was made on the data directory, or while there were no keys.
    public let createdBy: String?
    /// When it stops working; nil for never.
    public let expiresAt: Date?
    /// When it was revoked.
    public internal(set) var revokedAt: Date?
    /// When it was last used, to the hour.
    public internal(set) var lastUsedAt: Date?

    /// Whether the key works at this time.
    public func isValid(at now: Date) -> Bool { revokedAt == nil && expiresAt.map { now < $0 } ?? true }

    /// The scopes in their order of declaration, as words.
    public var scopeWords: [String] { AccessScope.allCases.filter(scopes.contains).map(\.rawValue) }

    /// The object of the API.
    public var json: JSONValue {
        func time(_ date: Date?) -> JSONValue { date.map { .string(Timestamp.string($0)) } ?? .null }
        return [
            "id": .string(id), "name": .string(name), "scopes": .array(scopeWords.map { .string($0) }),
            "created_at": time(createdAt), "created_by": createdBy.map { .string($0) } ?? .null,
            "expires_at": time(expiresAt), "revoked_at": time(revokedAt), "last_used_at": time(lastUsedAt),
        ]
    }
}

import Foundation
import LetheCore
import Synchronization

/// The API keys in memory, so that a call costs no read of the database and a revocation holds at once.
final class KeyRing: Sendable {
    /// A key with what its secret is checked against.
    struct Entry: Sendable {
        var row: APIKeyRow
        let digest: Data
    }

    /// Seconds between two records of a key's use.
    static let useInterval: TimeInterval = 3600
    private static let noDigest = Data(count: 32)
    private let entries = Mutex<[String: Entry]>([:])

    var isEmpty: Bool { entries.withLock { $0.isEmpty } }

    /// All keys, oldest first.
    var rows: [APIKeyRow] {
        entries.withLock { $0.values.map(\.row) }.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    func load(_ loaded: [Entry]) {
        entries.withLock { entries in
            for entry in loaded { entries[entry.row.id] = entry }
        }
    }

    func row(_ id: String) -> APIKeyRow? { entries.withLock { $0[id]?.row } }

    func revoke(_ id: String, at now: Date) {
        entries.withLock { entries in
            if entries[id]?.row.revokedAt == nil { entries[id]?.row.revokedAt = now }
        }
    }

    /// The key that a token is, with the hour to record as that of its last use when that has changed; nil when there
    /// is no such key, or it is revoked or over.
    func authenticate(_ token: APIKeyToken, at now: Date) -> (row: APIKeyRow, newUse: Date?)? {
        let given = token.secretDigest
        return entries.withLock { entries in
            let entry = entries[token.id]
            guard ConstantTime.areEqual(given, entry?.digest ?? Self.noDigest), let row = entry?.row,
                row.isValid(at: now)
            else { return nil }
            let hour = Date(
                timeIntervalSince1970: (now.timeIntervalSince1970 / Self.useInterval).rounded(.down) * Self.useInterval)
            guard row.lastUsedAt != hour else { return (row, nil) }
            entries[token.id]?.row.lastUsedAt = hour
            return (row, hour)
        }
    }
}

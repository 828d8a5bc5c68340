import Foundation
import GRDB
import LetheCore

extension LetheDatabase {
    /// On whose authority a key is made.
    public enum KeyMaker: Sendable {
        /// Whoever can lock the data directory.
        case owner
        /// A caller of a daemon that has no keys yet.
        case anybody
        /// The holder of a key.
        case key(APIKeyRow)
    }

    /// The most keys of a store, revoked ones among them.
    public static let maximumKeys = 10_000

    /// Whether a key was ever made here. From then on nobody gets in without one, even when all are revoked.
    public var hasKeys: Bool { !keyRing.isEmpty }

    /// All keys, oldest first, the revoked ones among them.
    public func keys() -> [APIKeyRow] { keyRing.rows }

    /// The key that a token is; nil when there is none, or it is revoked or over. Takes microseconds and waits for
    /// nothing; the hour of the use is recorded in the background.
    public func authenticate(_ token: APIKeyToken) -> APIKeyRow? {
        guard let (row, newUse) = keyRing.authenticate(token, at: clock.now()) else { return nil }
        if let newUse {
            onWriter { db in
                // What is lost here is a coarse date; a failure of the disk shows at the next write that matters.
                try? self.transaction(db, "key_used", bytes: 0) { db in
                    try db.execute(
                        sql: "UPDATE api_keys SET last_used_at = ? WHERE id = ?",
                        arguments: [StoreTime.microseconds(newUse), row.id])
                }
            }
        }
        return row
    }

    /// Makes a key.
    ///
    /// - Returns: its row, and its text, which cannot be had again.
    /// - Throws: ``LetheError`` with code `forbidden` when the maker may not give away so much: a key only makes keys
    ///   with scopes that it has itself and that end no later than it does, and `anybody` only the first one.
    ///   `bad_data` for a name or an end that is none, `conflict` when there are too many.
    public func createKey(_ new: NewAPIKey, by maker: KeyMaker) async throws -> (row: APIKeyRow, token: APIKeyToken) {
        try new.check()
        let token = APIKeyToken()
        let digest = token.secretDigest
        let entry = try await write("key_created") { db in
            let now = self.clock.now()
            var expiresAt = new.expiresAt.map { StoreTime.date(StoreTime.microseconds($0)) }
            if let expiresAt, expiresAt <= now { throw LetheError(.badData, "/expires_at: is in the past") }
            var creator: String?
            switch maker {
            case .owner: break
            case .anybody:
                guard self.keyRing.isEmpty, try Self.keyCount(db) == 0 else {
                    throw LetheError(.forbidden, "a key is needed by now")
                }
            case .key(let key):
                guard self.keyRing.row(key.id)?.isValid(at: now) == true else {
                    throw LetheError(.forbidden, "the key that asks is no longer valid")
                }
                guard new.scopes.isSubset(of: key.scopes) else {
                    throw LetheError(.forbidden, "a key can only give scopes that it has itself")
                }
                if let end = key.expiresAt {
                    guard expiresAt ?? end <= end else {
                        throw LetheError(.forbidden, "a key cannot outlive the one that makes it")
                    }
                    expiresAt = expiresAt ?? end
                }
                creator = key.id
            }
            guard try Self.keyCount(db) < Self.maximumKeys else {
                throw LetheError(.conflict, "there are \(Self.maximumKeys) keys already")
            }
            let row = APIKeyRow(
                id: token.id, name: new.name, scopes: new.scopes, createdAt: now, createdBy: creator,
                expiresAt: expiresAt, revokedAt: nil, lastUsedAt: nil)
            try db.execute(
                sql: """
                    INSERT INTO api_keys (id, name, secret_digest, scopes, created_at, created_by, expires_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    row.id, row.name, digest, row.scopeWords.joined(separator: " "), StoreTime.microseconds(now),
                    creator, expiresAt.map(StoreTime.microseconds),
                ])
            try self.appendAudit(
                db, action: "key_created", at: StoreTime.microseconds(now), detail: Self.auditDetail(row))
            return KeyRing.Entry(row: row, digest: digest)
        }
        keyRing.load([entry])
        return (entry.row, token)
    }

    /// Revokes a key; once this returns, nobody gets in with it. Repeating it changes nothing.
    ///
    /// When the write fails, the key is refused until the process ends nevertheless.
    /// - Throws: ``LetheError`` with code `not_found`.
    @discardableResult
    public func revokeKey(_ id: String) async throws -> APIKeyRow {
        guard let row = keyRing.row(id) else { throw LetheError(.notFound, "no key has this id") }
        guard row.revokedAt == nil else { return row }
        try await write("key_revoked") { db in
            let now = self.clock.now()
            self.keyRing.revoke(id, at: now)
            try db.execute(
                sql: "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                arguments: [StoreTime.microseconds(now), id])
            guard db.changesCount == 1 else { return }
            try self.appendAudit(
                db, action: "key_revoked", at: StoreTime.microseconds(now),
                detail: .object(JSONObject([("key_id", .string(id))])))
        }
        return keyRing.row(id) ?? row
    }

    /// What the audit log tells of a new key; not its name, which a caller wrote.
    private static func auditDetail(_ row: APIKeyRow) -> JSONValue {
        var detail = JSONObject([
            ("key_id", .string(row.id)), ("scopes", .array(row.scopeWords.map { .string($0) })),
        ])
        if let createdBy = row.createdBy { detail["created_by"] = .string(createdBy) }
        if let expiresAt = row.expiresAt { detail["expires_at"] = .string(Timestamp.string(expiresAt)) }
        return .object(detail)
    }

    private static func keyCount(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM api_keys") ?? 0
    }

    /// Every stored key.
    static func storedKeys(_ db: Database) throws -> [KeyRing.Entry] {
        try Row.fetchAll(db, sql: "SELECT * FROM api_keys").map { row in
            let words = (row["scopes"] as String).split(separator: " ")
            let scopes = Set(words.compactMap { AccessScope(rawValue: String($0)) })
            guard scopes.count == words.count else { throw damaged("a scope") }
            func date(_ column: String) -> Date? { (row[column] as Int64?).map(StoreTime.date) }
            return KeyRing.Entry(
                row: APIKeyRow(
                    id: row["id"], name: row["name"], scopes: scopes, createdAt: StoreTime.date(row["created_at"]),
                    createdBy: row["created_by"], expiresAt: date("expires_at"), revokedAt: date("revoked_at"),
                    lastUsedAt: date("last_used_at")),
                digest: row["secret_digest"])
        }
    }
}

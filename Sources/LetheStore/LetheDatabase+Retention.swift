import Foundation
import GRDB
import LetheCore

/// Destroying the text of requests.
extension LetheDatabase {
    /// Destroys the key and the text of a request that has ended, together with its reference and options.
    ///
    /// What is left of them in the write-ahead log is overwritten by a checkpoint, at once when no reader is in the
    /// way. Idempotent.
    /// - Throws: ``LetheError`` with code `not_found`, `invalid_state` when the request has not ended.
    public func destroyPayload(_ id: RequestID) async throws {
        let now = now()
        try await write("destroy") { db in
            let state = try String.fetchOne(
                db, sql: "SELECT state FROM requests WHERE id = ?", arguments: [id.rawValue])
            guard let state else { throw LetheError(.notFound, "no request has this id") }
            guard RequestState(rawValue: state)?.isFinal == true else {
                throw LetheError(.invalidState, "request \(id) is \(state): its text is still needed")
            }
            try self.destroy(db, id, at: now)
            self.requestTruncation()
        }
    }

    /// Destroys the text of every request that ended before `date`, at most `limit` of them.
    /// - Returns: the requests whose text is gone.
    @discardableResult
    public func destroyPayloads(finalizedBefore date: Date, limit: Int = 1000) async throws -> [RequestID] {
        let now = now()
        let before = StoreTime.microseconds(date)
        let isNeeded = try await read { db in
            try Bool.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT EXISTS (SELECT 1 FROM requests
                            WHERE finalized_at IS NOT NULL AND destroyed_at IS NULL AND finalized_at < ?)
                        """), arguments: [before]) ?? false
        }
        guard isNeeded else { return [] }
        return try await write("destroy") { db in
            let ids = try String.fetchAll(
                db,
                sql: """
                    SELECT id FROM requests WHERE finalized_at IS NOT NULL AND destroyed_at IS NULL
                        AND finalized_at < ? ORDER BY finalized_at LIMIT ?
                    """, arguments: [before, max(0, limit)]
            ).map(self.requestID)
            for id in ids { try self.destroy(db, id, at: now) }
            if !ids.isEmpty { self.requestTruncation() }
            return ids
        }
    }

    private func destroy(_ db: Database, _ id: RequestID, at now: Int64) throws {
        try db.execute(
            sql: """
                UPDATE requests SET wrapped_key = NULL, summary = NULL, reference_digest = NULL, destroyed_at = ?,
                    revision = revision + 1, updated_at = ? WHERE id = ? AND destroyed_at IS NULL
                """, arguments: [now, now, id.rawValue])
        guard db.changesCount == 1 else { return }
        try db.execute(sql: "DELETE FROM payloads WHERE request_id = ?", arguments: [id.rawValue])
        try insertEvent(db, kind: "text_destroyed", requestID: id, at: now)
    }
}

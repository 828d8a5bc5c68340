import Foundation
import GRDB
import LetheCore

/// The redundancy memory: what was forgotten already, as embeddings.
extension LetheDatabase {
    /// Adds the vectors of a request; part of its completion.
    func insert(_ db: Database, _ memory: MemoryChunks, of id: RequestID, modelID: Int64) throws {
        let known = try Int.fetchOne(
            db.cachedStatement(sql: "SELECT dimension FROM memory WHERE model_id = ? AND space = ? LIMIT 1"),
            arguments: [modelID, memory.space])
        guard known == nil || known == memory.dimension else {
            throw LetheError(.usage, "memory: vectors of this space have \(known ?? 0) values, not \(memory.dimension)")
        }
        try db.cachedStatement(
            sql: """
                INSERT INTO memory (model_id, request_id, space, dimension, chunk_count, vectors)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            modelID, id.rawValue, memory.space, memory.dimension, memory.count,
            try cipher.sealMemory(memory.data, id, memory.space),
        ])
    }

    /// Everything that a model was made to forget, in one space, in the order of application.
    ///
    /// Empty when there is nothing. Takes memory for the vectors about one and a half times over.
    /// - Throws: ``LetheError`` with code `not_found` when there is no such model, `bad_data` when stored vectors were
    ///   changed.
    public func memory(_ model: String, space: String) async throws -> MemorySnapshot {
        try await scan { db in
            guard let modelID = try Int64.fetchOne(db, sql: "SELECT id FROM models WHERE name = ?", arguments: [model])
            else { throw LetheError(.notFound, "no model has this name") }
            var snapshot = MemorySnapshot()
            let values = try Int.fetchOne(
                db, sql: "SELECT sum(dimension * chunk_count) FROM memory WHERE model_id = ? AND space = ?",
                arguments: [modelID, space])
            snapshot.vectors.reserveCapacity(max(0, min(values ?? 0, 1 << 31)))
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT request_id, dimension, chunk_count, vectors FROM memory
                    WHERE model_id = ? AND space = ? ORDER BY id
                    """, arguments: [modelID, space])
            while let row = try rows.next() {
                let id = try self.requestID(row["request_id"])
                try snapshot.append(
                    self.cipher.openMemory(row["vectors"], id, space), dimension: row["dimension"],
                    count: row["chunk_count"], requestID: id)
            }
            return snapshot
        }
    }
}

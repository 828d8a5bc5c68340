import Foundation
import GRDB
import LetheCore

extension LetheDatabase {
    /// How long the latest requests that changed a model took, and for how many tokens; the newest first.
    ///
    /// Looks at no more than a few hundred requests.
    public func updateHistory(_ model: String, limit: Int = 20) async throws -> [(seconds: Double, tokens: Int)] {
        let records = try await read { db in
            try String.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT record FROM (
                            SELECT r.record, r.state, r.changed FROM requests r JOIN models m ON m.id = r.model_id
                            WHERE m.name = ? ORDER BY r.created_at DESC, r.id DESC LIMIT 400)
                        WHERE state IN ('applied', 'purged') AND changed = 1 AND record IS NOT NULL LIMIT ?
                        """),
                arguments: [model, max(1, min(limit, 100))])
        }
        return try records.compactMap { text in
            let record = try JSONParser.parse(Data(text.utf8), limits: .modelFile, context: "stored record")
            let phases = record["seconds"]?.objectValue?.entries.compactMap { $0.value.doubleValue } ?? []
            guard !phases.isEmpty, let tokens = record["tokens"]?.intValue, tokens > 0 else { return nil }
            return (phases.reduce(0, +), tokens)
        }
    }
}

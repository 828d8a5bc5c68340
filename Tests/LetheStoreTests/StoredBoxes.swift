import Foundation
import GRDB
import LetheCore

/// The encrypted columns of a request, read past the store.
struct StoredBoxes {
    private let boxes: [Data]

    var count: Int { boxes.count }

    /// Reads them from a closed store.
    init(_ root: URL, _ id: RequestID) throws {
        let queue = try DatabaseQueue(path: root.appendingPathComponent("lethe.sqlite").path)
        boxes = try queue.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT wrapped_key, summary, reference_digest, body
                    FROM requests JOIN payloads ON request_id = id WHERE id = ?
                    """, arguments: [id.rawValue])!
            return (0..<4).map { row[$0] as Data }
        }
        try queue.close()
    }

    /// How many of them lie in some file of the store.
    func found(in root: URL) throws -> Int {
        let files = try ["lethe.sqlite", "lethe.sqlite-wal"].map { name in
            (try? Data(contentsOf: root.appendingPathComponent(name))) ?? Data()
        }
        // The tail of a large value lies on pages of its own, so the start has to be enough.
        return boxes.count { box in files.contains { $0.range(of: box.prefix(32)) != nil } }
    }

    /// Changes the stored text of a request in a closed store.
    static func swapPayloads(_ root: URL, _ id: RequestID) throws {
        let queue = try DatabaseQueue(path: root.appendingPathComponent("lethe.sqlite").path)
        try queue.write { db in
            try db.execute(
                sql: """
                    UPDATE payloads SET body = (SELECT body FROM payloads WHERE request_id <> ?) WHERE request_id = ?
                    """, arguments: [id.rawValue, id.rawValue])
        }
        try queue.close()
    }
}

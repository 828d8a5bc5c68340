import Crypto
import Foundation
import GRDB
import LetheCore
import LetheStore
import Migrations
import Testing

@Suite struct SchemaTests {
    /// The shipped steps never change: what is pinned here has run on somebody's data.
    static let pinned: [(name: String, sha256: String)] = [
        ("0001_initial", "c2a1a73e7437952248c2ad351539e2429dcafd8d4b2e1faf2dc5b10e5fba785e"),
        ("0002_evidence", "f8ede1db596b500df6057a484fa9dd454319cf60648873636a44d9857996c35c"),
        ("0003_access", "ef599625f1d8c31bd0b2727612931f4622a4bd64011f0bbc1c827aef5115b4bd"),
        ("0004_evaluations", "e8caf78a406f8a7953bbe87c5e2486ee084dc0dd8d09f6332d435abf4bb6de01"),
    ]

    @Test func `shipped steps are the pinned ones`() {
        #expect(Migrations.steps.map(\.name) == Self.pinned.map(\.name))
        for (step, pinned) in zip(Migrations.steps, Self.pinned) {
            let digest = SHA256.hash(data: Data(step.sql.utf8)).map { String(format: "%02x", $0) }.joined()
            #expect(digest == pinned.sha256, "\(step.name) was changed; add a new step instead")
        }
        #expect(Migrations.steps.map(\.version) == Array(1...Migrations.steps.count))
    }

    /// Works on the database file of a closed store as nobody else may.
    private func tamper(_ store: StoreFixture, _ body: (Database) throws -> Void) throws {
        try store.close()
        let queue = try DatabaseQueue(path: store.root.appendingPathComponent("lethe.sqlite").path)
        try queue.writeWithoutTransaction(body)
        try queue.close()
    }

    @Test func `the file is marked and in the configured modes`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try tamper(store) { db in
            #expect(try Int.fetchOne(db, sql: "PRAGMA application_id") == 0x4C65_7468)
            #expect(try Int.fetchOne(db, sql: "PRAGMA user_version") == Migrations.steps.count)
            #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
            let loose = try String.fetchAll(
                db,
                sql:
                    """
                    SELECT name FROM pragma_table_list
                    WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'
                    """
            )
            #expect(loose == [])
        }
        try store.open()
    }

    @Test func `a newer schema is refused with its version`() async throws {
        let store = try StoreFixture()
        try tamper(store) { try $0.execute(sql: "PRAGMA user_version = 99") }
        do {
            try store.open()
            Issue.record("opened")
        } catch let error as LetheError {
            #expect(error.code == .unsupported)
            #expect(error.message.contains("99"))
        }
    }

    @Test func `another program's database is refused and left alone`() async throws {
        let store = try StoreFixture()
        try tamper(store) { try $0.execute(sql: "PRAGMA application_id = 5") }
        #expect(await errorCode { try store.open() } == .badData)
        store.letGo()
        let path = store.root.appendingPathComponent("lethe.sqlite").path
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        let foreign = try DatabaseQueue(path: path)
        try await foreign.write { try $0.execute(sql: "CREATE TABLE notes (text TEXT)") }
        try foreign.close()
        #expect(await errorCode { try store.open() } == .badData)
        let again = try DatabaseQueue(path: path)
        #expect(try await again.read { try String.fetchAll($0, sql: "SELECT name FROM sqlite_schema") } == ["notes"])
    }

    @Test func `a step that is not the known one is refused`() async throws {
        let store = try StoreFixture()
        try tamper(store) {
            try $0.execute(sql: "UPDATE schema_steps SET sha256 = ?", arguments: [String(repeating: "0", count: 64)])
        }
        #expect(await errorCode { try store.open() } == .badData)
    }

    @Test func `a file that is no database is refused`() async throws {
        let store = try StoreFixture()
        try store.close()
        let url = store.root.appendingPathComponent("lethe.sqlite")
        try Data(repeating: 0x41, count: 8192).write(to: url)
        #expect(await errorCode { try store.open() } == .badData)
    }

    @Test func `a damaged database is found at the check`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<50 { try await store.submit() }
        try store.close()
        let url = store.root.appendingPathComponent("lethe.sqlite")
        var data = try Data(contentsOf: url)
        for page in stride(from: 4096 * 4, to: data.count, by: 4096) {
            for offset in 0..<64 { data[page + offset] = 0xFF }
        }
        try data.write(to: url)
        let code = await errorCode {
            try store.open()
            try await store.database.check()
        }
        #expect(code == .badData)
    }

    @Test func `the trigger allows the moves of the state machine and no other`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let id = try await store.submit().id
        let allowed = Set(RequestStateMachine.transitions.map { [$0.source, $0.target] })
        try tamper(store) { db in
            // Every column that the CHECKs ask for in a state, so that only the trigger can refuse.
            func columns(_ state: RequestState) -> String {
                let isApplied = state == .applied || state == .purged
                return """
                    state = '\(state)', attempt = 1, fence = \(state.isHeld ? "77" : "NULL"),
                    boot_id = \(state.isHeld ? "'boot'" : "NULL"),
                    retry_at = \(state == .retryable ? "1" : "NULL"),
                    finalized_at = \(state.isFinal ? "1" : "NULL"),
                    purged_at = \(state == .purged ? "1" : "NULL"),
                    generation_id = \(isApplied ? "(SELECT id FROM generations)" : "NULL"),
                    changed = \(isApplied ? "1" : "NULL"), error_code = 'x', error_message = 'x'
                    """
            }
            try db.execute(sql: "DROP TRIGGER requests_count_moved")
            let trigger = try String.fetchOne(
                db, sql: "SELECT sql FROM sqlite_schema WHERE name = 'requests_transition'")
            for source in RequestState.allCases {
                for target in RequestState.allCases where source != target {
                    try db.execute(sql: "DROP TRIGGER requests_transition")
                    try db.execute(sql: "UPDATE requests SET \(columns(source)) WHERE id = ?", arguments: [id.rawValue])
                    try db.execute(sql: trigger!)
                    var isAllowed = true
                    do {
                        try db.execute(
                            sql: "UPDATE requests SET \(columns(target)) WHERE id = ?", arguments: [id.rawValue])
                    } catch let error as DatabaseError {
                        #expect(error.message == "the request cannot change state this way")
                        isAllowed = false
                    }
                    #expect(isAllowed == allowed.contains([source, target]), "\(source) > \(target)")
                }
            }
        }
    }

    @Test(
        arguments: [
            "state = 'lost'", "state = 'running'", "fence = 5", "boot_id = 'x'", "retry_at = 5", "finalized_at = 5",
            "purged_at = 5", "generation_id = 1", "changed = 1", "priority = 101", "kind = 'forget'",
            "category = 'x'", "wrapped_key = NULL", "destroyed_at = 5", "error_code = 'x'", "item_count = 0",
            "attempt = -1", "revision = 0", "model_id = 99",
        ])
    func `rows that make no sense cannot be written`(change: String) async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try tamper(store) { db in
            #expect(throws: DatabaseError.self) { try db.execute(sql: "UPDATE requests SET \(change)") }
        }
    }

    @Test func `events and heads are protected`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext()
        try tamper(store) { db in
            #expect(throws: DatabaseError.self) { try db.execute(sql: "UPDATE events SET at = 0") }
            #expect(throws: DatabaseError.self) { try db.execute(sql: "DELETE FROM events") }
            #expect(throws: DatabaseError.self) { try db.execute(sql: "UPDATE models SET head_id = 99") }
            #expect(throws: DatabaseError.self) {
                try db.execute(sql: "UPDATE generations SET state = 'purging', superseded_at = 1 WHERE number = 1")
            }
            #expect(throws: DatabaseError.self) {
                try db.execute(sql: "UPDATE generations SET state = 'purged', purged_at = 1 WHERE number = 0")
            }
            try db.execute(sql: "UPDATE generations SET state = 'purging' WHERE number = 0")
            #expect(throws: DatabaseError.self) {
                try db.execute(sql: "UPDATE generations SET state = 'kept' WHERE number = 0")
            }
            #expect(throws: DatabaseError.self) { try db.execute(sql: "DELETE FROM models") }
        }
    }

    @Test func `the queries that a full store needs use their indexes`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        try tamper(store) { db in
            func plan(_ sql: String) throws -> String {
                try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)").map { $0["detail"] as String }
                    .joined(separator: "; ")
            }
            let queries = [
                (
                    "requests_queue",
                    """
                    SELECT id FROM requests INDEXED BY requests_queue WHERE state = 'queued'
                    ORDER BY priority DESC, coalesce(due_at, 9223372036854775807), created_at, id LIMIT 1
                    """
                ),
                (
                    "requests_by_state",
                    """
                    SELECT id FROM requests INDEXED BY requests_by_state
                    WHERE state = 'queued' AND created_at <= 5 ORDER BY created_at, id LIMIT 1
                    """
                ),
                (
                    "requests_to_retry",
                    "SELECT min(retry_at) FROM requests INDEXED BY requests_to_retry WHERE state = 'retryable'"
                ),
                ("requests_by_creation", "SELECT * FROM requests ORDER BY created_at DESC, id DESC LIMIT 50"),
                (
                    "requests_by_state",
                    """
                    SELECT * FROM requests WHERE state = 'failed' AND (created_at, id) < (5, 'x')
                    ORDER BY created_at DESC, id DESC LIMIT 50
                    """
                ),
                (
                    "requests_by_due",
                    """
                    SELECT kind, min(due_at) FROM requests
                    WHERE due_at IS NOT NULL AND finalized_at IS NULL GROUP BY kind
                    """
                ),
            ]
            for (index, sql) in queries {
                let plan = try plan(sql)
                #expect(plan.contains(index), "\(plan)")
                #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
            }
        }
    }
}

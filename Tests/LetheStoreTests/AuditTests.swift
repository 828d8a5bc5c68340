import Crypto
import Foundation
import GRDB
import LetheCore
import LetheStore
import Synchronization
import Testing

/// The audit log: what is in it, and that no change of it goes unnoticed.
@Suite struct AuditTests {
    /// A store with one request applied and purged, one failed, and one cancelled.
    private static func used() async throws -> StoreFixture {
        let store = try StoreFixture()
        try await store.registerModel()
        try await store.submit()
        try await store.applyNext()
        try await store.submit()
        try await store.database.fail(try await store.claim().claim, code: "gate_not_met", message: "utility fell")
        let id = try await store.submit().id
        _ = try await AuditActor.$current.withValue(AuditActor("key_7")) { try await store.database.cancel(id) }
        let recovery = StoreRecovery(database: store.database, generations: store.generations)
        _ = try await recovery.purge("tiny", number: 0)
        return store
    }

    private static func key(_ store: StoreFixture) async throws -> VerificationKey {
        try #require(try await store.database.signingKeys().first { $0.isCurrent }?.key)
    }

    private static func export(_ store: StoreFixture) async throws -> Data {
        let data = Mutex(Data())
        try await store.database.exportAudit { piece in data.withLock { $0.append(piece) } }
        return data.withLock { $0 }
    }

    private static func verify(_ data: Data, _ keys: [VerificationKey]) throws -> AuditReport {
        var rest = data[...]
        return try AuditExport.verify(keys: keys) {
            guard !rest.isEmpty else { return nil }
            guard let end = rest.firstIndex(of: 10) else { throw LetheError(.verificationFailed, "no end") }
            defer { rest = rest[(end + 1)...] }
            return Data(rest[..<end])
        }
    }

    /// Works on the database file as nobody else may; without triggers that would stop it.
    private static func tamper(_ store: StoreFixture, _ body: (Database) throws -> Void) throws {
        try store.close()
        let queue = try DatabaseQueue(path: store.root.appendingPathComponent("lethe.sqlite").path)
        try queue.writeWithoutTransaction { db in
            let triggers = try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE 'audit%'")
            var saved: [String] = []
            for name in triggers {
                saved += try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE name = ?", arguments: [name])
                try db.execute(sql: "DROP TRIGGER \(name)")
            }
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            try body(db)
            for sql in saved { try db.execute(sql: sql) }
        }
        try queue.close()
        try store.open()
    }

    @Test func `every change is told, with who made it`() async throws {
        let store = try await Self.used()
        let entries = try await store.database.auditTail(1000)
        let actions = entries.compactMap { $0["action"]?.stringValue }
        #expect(
            actions == [
                "audit_started", "signing_key_added", "model_registered", "submitted", "claim", "begin_verification",
                "generation_published", "publish", "submitted", "claim", "fail", "submitted", "cancel",
                "generation_purging", "generation_purged", "purge",
            ])
        #expect(entries.map { $0["sequence"]?.intValue } == Array(1...entries.count))
        #expect(entries[12]["actor"] == "key_7")
        #expect(entries[12]["from"] == "queued" && entries[12]["to"] == "cancelled")
        #expect(entries[2]["actor"] == "cli" && entries[2]["model"] == "tiny")
        let report = try await store.database.verifyAudit()
        #expect(report.entries == 16 && report.requests == 3 && report.certificates == 2)
        #expect(report.signedEntries == 0)
        try store.reopen()
        #expect(try await store.database.verifyAudit().signedEntries == 16)
    }

    @Test func `an entry follows the one before by the SHA-256 of its text`() async throws {
        let store = try await Self.used()
        let lines = try await Self.export(store).split(separator: 10).map { Data($0) }
        let entries = lines.filter { $0.starts(with: Data("{\"action\":".utf8)) }
        #expect(entries.count == 16)
        var previous = String(repeating: "0", count: 64)
        for line in entries {
            let entry = try JSONParser.parse(line, context: "entry")
            #expect(entry["previous"]?.stringValue == previous)
            previous = SHA256.hash(data: line).map { String(format: "%02x", $0) }.joined()
        }
    }

    @Test func `an export is checked without the store, and no bit of it can be changed`() async throws {
        let store = try await Self.used()
        let data = try await Self.export(store)
        let key = try await Self.key(store)
        let report = try Self.verify(data, [key])
        #expect(report.entries == 16 && report.signedEntries == 16 && report.heads == 1)
        #expect(throws: LetheError.self) { try Self.verify(data, [Self.strangersKey()]) }
        for index in data.indices {
            var changed = data
            changed[index] ^= 1 << (index % 8)
            #expect(throws: LetheError.self, "byte \(index)") { try Self.verify(changed, [key]) }
        }
        let lines = data.split(separator: 10, omittingEmptySubsequences: false).map { Data($0) }
        for index in 0..<lines.count - 1 {
            var fewer = lines
            fewer.remove(at: index)
            #expect(throws: LetheError.self, "without line \(index)") {
                try Self.verify(Data(fewer.joined(separator: [10])), [key])
            }
            var twice = lines
            twice.insert(lines[index], at: index)
            if index < lines.count - 2 {
                #expect(throws: LetheError.self, "line \(index) twice") {
                    try Self.verify(Data(twice.joined(separator: [10])), [key])
                }
            }
        }
    }

    private static func strangersKey() throws -> VerificationKey {
        try VerificationKey(rawRepresentation: Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
    }

    @Test(
        arguments: [
            "UPDATE audit SET entry = replace(entry, 'gate_not_met', 'gate_not_mex')",
            "DELETE FROM audit WHERE sequence = 9",
            "DELETE FROM audit WHERE sequence > 14; DELETE FROM audit_heads",
            "UPDATE audit SET hash = zeroblob(32) WHERE sequence = 3",
            "UPDATE audit_heads SET envelope = replace(envelope, 'A', 'B')",
            "UPDATE requests SET error_code = 'x', state = 'queued', finalized_at = NULL WHERE state = 'failed'",
            "UPDATE requests SET id = 'req_' || substr(id, 6) || substr(id, 5, 1) WHERE state = 'failed'",
        ])
    func `what was changed in the database is found`(change: String) async throws {
        let store = try await Self.used()
        try store.reopen()
        #expect(try await store.database.verifyAudit().entries == 16)
        try Self.tamper(store) { try $0.execute(sql: change) }
        #expect(await errorCode { _ = try await store.database.verifyAudit() } == .verificationFailed)
    }

    @Test func `a store from before the log begins one that names what is there`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        let id = try await store.submit().id
        try await store.applyNext()
        // Back to the schema of before.
        try store.close()
        let queue = try DatabaseQueue(path: store.root.appendingPathComponent("lethe.sqlite").path)
        try await queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            for table in [
                "evaluation_events", "evaluations", "certificates", "audit_heads", "signing_keys", "audit", "webhooks",
                "api_keys",
            ] {
                try db.execute(sql: "DROP TABLE \(table)")
            }
            try db.execute(sql: "DELETE FROM schema_steps WHERE version > 1; PRAGMA user_version = 1")
        }
        try queue.close()
        try store.open()
        let first = try #require(try await store.database.auditTail(10).first)
        #expect(first["action"] == "audit_started")
        #expect(first["detail"]?["requests"] == 1 && first["detail"]?["generations"] == 2)
        #expect(await errorCode { _ = try await store.database.certificate(id) } == .invalidState)
        let report = try await store.database.verifyAudit()
        #expect(report.entries == 2 && report.certificates == 0)
        try await store.submit()
        try await store.applyNext()
        #expect(try await store.database.verifyAudit().certificates == 1)
        // Purging the old request's generation issues no certificate for it, as it had none.
        let recovery = StoreRecovery(database: store.database, generations: store.generations)
        for number in [0, 1] { _ = try await recovery.purge("tiny", number: number) }
        #expect(try await store.database.request(id).state == .purged)
        #expect(await errorCode { _ = try await store.database.certificate(id) } == .invalidState)
    }

    @Test func `a long log is signed on the way`() async throws {
        let store = try StoreFixture()
        try await store.registerModel()
        for _ in 0..<300 { try await store.submit() }
        let report = try await store.database.verifyAudit()
        #expect(report.entries == 303 && report.signedEntries == 256 && report.heads == 1)
    }

    @Test func `another signing key is told of, and the old signatures stand`() async throws {
        let store = try await Self.used()
        let old = try await Self.key(store)
        try store.close()
        let path = store.root.appendingPathComponent("signing.key")
        #expect(try FileManager.default.attributesOfItem(atPath: path.path)[.posixPermissions] as? Int == 0o600)
        try FileManager.default.removeItem(at: path)
        try store.open()
        let new = try await Self.key(store)
        #expect(new != old)
        #expect(try await store.database.signingKeys().map(\.key).contains(old))
        let last = try #require(try await store.database.auditTail(1).first)
        #expect(last["action"] == "signing_key_added")
        #expect(last["detail"]?["key_id"]?.stringValue == new.keyID)
        try store.reopen()
        let report = try await store.database.verifyAudit()
        #expect(report.heads == 2 && report.keyID == new.keyID && report.certificates == 2)
    }

    @Test func `keys are read in every form in which they are given`() async throws {
        let store = try StoreFixture()
        let key = try await Self.key(store)
        let set = JSONValue.object(JSONObject([("keys", .array([key.json]))]))
        for form in [Data(key.hexadecimal.utf8), key.json.serialized(), set.serialized(), Data(key.pem.utf8)] {
            #expect(try VerificationKey.read(form) == [key])
        }
        let half = String(key.hexadecimal.dropLast())
        let wrong = ["", "{}", #"{"keys":[]}"#, "zz", half, "-----BEGIN PUBLIC KEY-----\n"]
        for form in wrong {
            #expect(throws: LetheError.self) { try VerificationKey.read(Data(form.utf8)) }
        }
    }
}

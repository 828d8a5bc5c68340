import Crypto
import Foundation
import GRDB
import LetheCore

/// The audit log: written in the transaction of whatever it tells of.
extension LetheDatabase {
    /// A head is signed at the latest after so many entries.
    static let entriesPerHead: Int64 = 256

    /// Where the log stands: its last entry and that one's hash.
    typealias AuditPosition = (sequence: Int64, hash: Data)

    func auditPosition(_ db: Database) throws -> AuditPosition {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1"))
        return row.map { ($0["sequence"], $0["hash"]) } ?? (0, AuditEntry.origin)
    }

    /// Appends an entry, and now and then a signature over the log.
    @discardableResult
    func appendAudit(
        _ db: Database, action: String, requestID: RequestID? = nil, model: String? = nil, at: Int64,
        from: RequestState? = nil, to: RequestState? = nil, attempt: Int? = nil, detail: JSONValue? = nil
    ) throws -> AuditPosition {
        let last = try auditPosition(db)
        let entry = AuditEntry(
            sequence: last.sequence + 1, at: StoreTime.date(at), actor: AuditActor.current.rawValue, action: action,
            requestID: requestID, model: model, from: from, to: to, attempt: attempt, detail: detail,
            previous: last.hash)
        let text = entry.text
        let hash = AuditEntry.hash(text)
        try db.cachedStatement(sql: "INSERT INTO audit (sequence, entry, hash) VALUES (?, ?, ?)")
            .execute(arguments: [entry.sequence, text, hash])
        if entry.sequence % Self.entriesPerHead == 0 { try signHead(db, (entry.sequence, hash), at: at) }
        return (entry.sequence, hash)
    }

    private func signHead(_ db: Database, _ position: AuditPosition, at: Int64) throws {
        let head = AuditHead(sequence: position.sequence, hash: position.hash, at: StoreTime.date(at))
        let envelope = try SignedEnvelope(head.payload, type: AuditHead.payloadType, key: signingKey)
        try db.cachedStatement(sql: "INSERT INTO audit_heads (sequence, key_id, envelope) VALUES (?, ?, ?)")
            .execute(arguments: [position.sequence, envelope.keyID, envelope.text])
    }

    /// Whether entries were made since the last signed head.
    private func needsHead(_ db: Database) throws -> Bool {
        let signed = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM audit_heads") ?? 0
        return try auditPosition(db).sequence > signed
    }

    /// Signs the log as it is, unless its last entry is signed already.
    public func signAuditHead() async throws {
        guard try await read(needsHead) else { return }
        let now = now()
        try await write("head") { db in
            if try self.needsHead(db) { try self.signHead(db, self.auditPosition(db), at: now) }
        }
    }

    /// The same on the writing connection, as the last thing before it closes.
    func signLastHead(_ db: Database) throws {
        guard try needsHead(db) else { return }
        try transaction(db, "head", bytes: 0) { try self.signHead($0, self.auditPosition($0), at: now()) }
    }

    /// Begins the log when it is new, and makes the key known when it has not signed here before.
    func prepareAudit(_ db: Database) throws {
        let key = signingKey.verification
        let isKnown = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM signing_keys WHERE key_id = ?)", arguments: [key.keyID])
        let position = try auditPosition(db)
        guard isKnown != true || position.sequence == 0 else { return }
        let now = now()
        try transaction(db, "key", bytes: 0) { db in
            if position.sequence == 0 {
                try self.appendAudit(db, action: "audit_started", at: now, detail: self.inventory(db))
            }
            if isKnown != true {
                try db.execute(
                    sql: "INSERT INTO signing_keys (key_id, public_key, added_at) VALUES (?, ?, ?)",
                    arguments: [key.keyID, key.rawRepresentation, now])
                try self.appendAudit(
                    db, action: "signing_key_added", at: now,
                    detail: .object(
                        JSONObject([("key_id", .string(key.keyID)), ("public_key", .string(key.hexadecimal))])))
            }
        }
    }

    /// What is there when the log begins: how much of it, and one hash over all of it.
    private func inventory(_ db: Database) throws -> JSONValue {
        var hasher = SHA256()
        func digest(_ sql: String) throws -> Int64 {
            var count: Int64 = 0
            let rows = try String.fetchCursor(db, sql: sql)
            while let line = try rows.next() {
                hasher.update(data: Data("\(line)\n".utf8))
                count += 1
            }
            return count
        }
        let generations = try digest(
            """
            SELECT m.name || ' ' || g.number || ' ' || g.state || ' ' || lower(hex(g.manifest_digest))
            FROM generations g JOIN models m ON m.id = g.model_id ORDER BY m.id, g.number
            """)
        let requests = try digest("SELECT id || ' ' || state FROM requests ORDER BY id")
        let events = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM events") ?? 0
        return .object(
            JSONObject([
                ("generations", .integer(generations)), ("requests", .integer(requests)),
                ("events", .integer(events)), ("sha256", .string(Hexadecimal.string(hasher.finalize()))),
            ]))
    }

    /// Every key that has signed here, and which one signs now.
    public func signingKeys() async throws -> [(key: VerificationKey, isCurrent: Bool, addedAt: Date)] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT public_key, added_at FROM signing_keys ORDER BY added_at, key_id").map {
                let key = try VerificationKey(rawRepresentation: $0["public_key"])
                return (key, key == self.signingKey.verification, StoreTime.date($0["added_at"]))
            }
        }
    }

    /// The last entries, oldest first, as JSON.
    /// - Parameter count: 1 to 1,000; clamped.
    public func auditTail(_ count: Int) async throws -> [JSONValue] {
        try await read { db in
            try String.fetchAll(
                db, sql: "SELECT entry FROM audit ORDER BY sequence DESC LIMIT ?",
                arguments: [max(1, min(1000, count))]
            ).reversed().map { try JSONParser.parse(Data($0.utf8), context: "stored entry") }
        }
    }

    /// The last signed head, a DSSE envelope; nil before the first.
    public func signedAuditHead() async throws -> String? {
        try await read { db in
            try String.fetchOne(db, sql: "SELECT envelope FROM audit_heads ORDER BY sequence DESC LIMIT 1")
        }
    }

    // MARK: - Checking

    /// Checks the whole log: its chain, its signed heads, every certificate, and that the states of requests are those
    /// that the log tells of. Nothing is written.
    /// - Throws: ``LetheError`` with code `verification_failed` saying what does not stand.
    public func verifyAudit() async throws -> AuditReport {
        try await scan { db in
            var states: [String: String] = [:]
            var applications: [String: Int] = [:]
            var began = Date.distantPast
            let keys = try Data.fetchAll(db, sql: "SELECT public_key FROM signing_keys")
                .map(VerificationKey.init(rawRepresentation:))
            var chain = AuditChain(keys: keys)
            try self.forEachAuditLine(db) { line in
                switch line {
                case .entry(let text, let hash):
                    let entry = try chain.append(text)
                    guard hash == AuditEntry.hash(text) else {
                        throw LetheError(.verificationFailed, "the stored hash of entry \(entry.sequence) was changed")
                    }
                    if entry.sequence == 1 { began = entry.at }
                    if let id = entry.requestID, let state = entry.to {
                        states[id.rawValue] = state.rawValue
                        if state == .applied { applications[id.rawValue, default: 0] += 1 }
                    }
                case .head(let text): try chain.check(SignedEnvelope(Data(text.utf8)))
                }
            }
            var report = chain.report
            guard report.entries > 0 else { throw LetheError(.verificationFailed, "the audit log is empty") }
            report.requests = try self.compareStates(db, states, since: began)
            report.certificates = try self.checkCertificates(db, applications, keys)
            return report
        }
    }

    private func compareStates(_ db: Database, _ states: [String: String], since began: Date) throws -> Int {
        // Entries hold milliseconds.
        let start = StoreTime.microseconds(began) + 1000
        var left = states.count
        let rows = try Row.fetchCursor(db, sql: "SELECT id, state, created_at FROM requests")
        while let row = try rows.next() {
            let id: String = row["id"]
            guard let told = states[id] else {
                let createdAt: Int64 = row["created_at"]
                guard createdAt <= start else {
                    throw LetheError(.verificationFailed, "the audit log does not tell of request \(id)")
                }
                continue
            }
            left -= 1
            let state: String = row["state"]
            guard told == state else {
                throw LetheError(.verificationFailed, "request \(id) is not in the state that the audit log tells of")
            }
        }
        guard left == 0 else {
            throw LetheError(.verificationFailed, "\(left) requests of the audit log are not there")
        }
        return states.count
    }

    private func checkCertificates(
        _ db: Database, _ applications: [String: Int], _ keys: [VerificationKey]
    ) throws -> Int {
        var found: [String: Int] = [:]
        var count = 0
        let rows = try Row.fetchCursor(db, sql: "SELECT request_id, occasion, envelope FROM certificates ORDER BY id")
        while let row = try rows.next() {
            let id: String = row["request_id"]
            let envelope = try SignedEnvelope(Data((row["envelope"] as String).utf8))
            try envelope.verify(keys)
            guard try Certificate(envelope).requestID.rawValue == id else {
                throw LetheError(.verificationFailed, "a certificate of request \(id) is another request's")
            }
            if row["occasion"] as String == Certificate.Occasion.applied.rawValue { found[id, default: 0] += 1 }
            count += 1
        }
        guard found == applications else {
            throw LetheError(.verificationFailed, "applied requests and certificates are not the same")
        }
        return count
    }

    /// A line of the log: an entry, or a signature over everything before it.
    private enum AuditLine {
        case entry(String, hash: Data)
        case head(String)
    }

    private func forEachAuditLine(_ db: Database, _ body: (AuditLine) throws -> Void) throws {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT a.entry, a.hash, h.envelope FROM audit a LEFT JOIN audit_heads h ON h.sequence = a.sequence
                ORDER BY a.sequence
                """)
        while let row = try rows.next() {
            try body(.entry(row["entry"], hash: row["hash"]))
            if let envelope = row["envelope"] as String? { try body(.head(envelope)) }
        }
    }

    // MARK: - Exporting

    /// Writes the log as JSON Lines: each entry's canonical text on a line, and after the entries that were signed the
    /// signature, a DSSE envelope. The last line is a signature: the log is signed as it is first.
    /// - Parameter write: takes a few lines at a time.
    /// - Throws: what `write` throws.
    public func exportAudit(_ write: @escaping @Sendable (Data) throws -> Void) async throws {
        try await signAuditHead()
        try await scan { db in
            var pending = Data()
            try self.forEachAuditLine(db) { line in
                switch line {
                case .entry(let text, _): pending.append(Data("\(text)\n".utf8))
                case .head(let text): pending.append(Data("\(text)\n".utf8))
                }
                if pending.count >= 1 << 20 {
                    try write(pending)
                    pending = Data()
                }
            }
            try write(pending)
        }
    }
}

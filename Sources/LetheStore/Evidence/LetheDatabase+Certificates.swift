import Crypto
import Foundation
import GRDB
import LetheCore

/// Certificates: issued in the transaction that applies a request, and again in the one that purges it.
extension LetheDatabase {
    /// The certificate in force of a request, a DSSE envelope on one line.
    /// - Throws: ``LetheError`` with code `not_found` when there is no such request, `invalid_state` when it is not
    ///   applied, or was applied before there were certificates.
    public func certificate(_ id: RequestID) async throws -> String {
        try await read { db in
            let state = try String.fetchOne(
                db.cachedStatement(sql: "SELECT state FROM requests WHERE id = ?"), arguments: [id.rawValue])
            guard let state else { throw LetheError(.notFound, "no request has this id") }
            guard state == RequestState.applied.rawValue || state == RequestState.purged.rawValue,
                let envelope = try self.latestCertificate(db, id)
            else { throw LetheError(.invalidState, "request \(id) is \(state) and has no certificate") }
            return envelope
        }
    }

    private func latestCertificate(_ db: Database, _ id: RequestID) throws -> String? {
        try String.fetchOne(
            db.cachedStatement(sql: "SELECT envelope FROM certificates WHERE request_id = ? ORDER BY id DESC LIMIT 1"),
            arguments: [id.rawValue])
    }

    /// Issues the certificate of a request that this transaction has just applied.
    /// - Parameter files: those of the generation with which it was applied.
    func certify(_ db: Database, _ id: RequestID, files: [GenerationManifest.File], at now: Int64) throws {
        let row = try requireRow(db, id)
        guard row.state == .applied, let number = row.generation else {
            throw LetheError(.internalError, "request \(id) is not applied")
        }
        let modelID = try Int64.fetchOne(
            db, sql: "SELECT model_id FROM requests WHERE id = ?", arguments: [id.rawValue])
        let generationID = try Int64.fetchOne(
            db, sql: "SELECT generation_id FROM requests WHERE id = ?", arguments: [id.rawValue])
        guard let modelID, let generationID else { throw Self.damaged("a request without a generation") }
        let generation = try self.generation(db, id: generationID)
        let holders = try Lineage(db, modelID: modelID).holdersOfContent(before: generationID)
            .map { try self.generation(db, id: $0) }
        var predicate = JSONObject()
        predicate["occasion"] = .string(Certificate.Occasion.applied.rawValue)
        predicate["issued_at"] = .string(Timestamp.string(StoreTime.date(now)))
        predicate["request"] = try describe(db, row)
        predicate["model"] = .string(row.model)
        predicate["generation"] = Self.describe(generation)
        let parent = try generation.parent.flatMap { parent in
            try Int64.fetchOne(
                db, sql: "SELECT id FROM generations WHERE model_id = ? AND number = ?", arguments: [modelID, parent])
        }
        predicate["parent"] = try parent.map { Self.describe(try self.generation(db, id: $0)) } ?? .null
        predicate["changed"] = .bool(row.changed == true)
        predicate["update"] = row.record ?? .null
        predicate["generations_holding_content"] = .array(holders.map(Self.describe))
        predicate["purged_at"] = .null
        predicate["audit"] = Self.describe(try auditPosition(db))
        predicate["not_claimed"] = .array(Certificate.notClaimed.map { .string($0) })
        guard number == generation.number else { throw Self.damaged("a generation with two numbers") }
        let subjects =
            files.map { Certificate.Subject(name: $0.name, digest: $0.digest) }
            + [Certificate.Subject(name: GenerationManifest.fileName, digest: generation.manifestDigest)]
        try issue(db, id, .applied, subjects, .object(predicate), at: now)
        try failPoints.reach("complete.after_certificate")
    }

    /// Issues the certificate anew once no kept generation holds the content any more. Does nothing for a request that
    /// was applied before there were certificates.
    func certifyPurge(_ db: Database, _ id: RequestID, at now: Int64) throws {
        guard let text = try latestCertificate(db, id) else { return }
        let earlier = try Certificate(SignedEnvelope(Data(text.utf8)))
        var predicate = earlier.predicate.objectValue ?? JSONObject()
        let time = JSONValue.string(Timestamp.string(StoreTime.date(now)))
        predicate["occasion"] = .string(Certificate.Occasion.purged.rawValue)
        predicate["issued_at"] = time
        predicate["generations_holding_content"] = []
        predicate["purged_at"] = time
        predicate["audit"] = Self.describe(try auditPosition(db))
        predicate["supersedes"] = ["sha256": .string(Hexadecimal.string(SHA256.hash(data: Data(text.utf8))))]
        try issue(db, id, .purged, earlier.subjects, .object(predicate), at: now)
        try failPoints.reach("purge.after_certificate")
    }

    private func issue(
        _ db: Database, _ id: RequestID, _ occasion: Certificate.Occasion, _ subjects: [Certificate.Subject],
        _ predicate: JSONValue, at now: Int64
    ) throws {
        let payload = Certificate.payload(subjects: subjects, predicate: predicate)
        let envelope = try SignedEnvelope(payload, type: Certificate.payloadType, key: signingKey)
        try db.cachedStatement(
            sql: """
                INSERT INTO certificates (request_id, occasion, audit_sequence, issued_at, key_id, envelope)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            id.rawValue, occasion.rawValue, try auditPosition(db).sequence, now, envelope.keyID, envelope.text,
        ])
    }

    private func describe(_ db: Database, _ row: RequestRow) throws -> JSONValue {
        func time(_ date: Date?) -> JSONValue { date.map { .string(Timestamp.string($0)) } ?? .null }
        var object = JSONObject()
        object["id"] = .string(row.id.rawValue)
        object["kind"] = .string(row.kind.rawValue)
        object["category"] = .string(row.category.rawValue)
        object["item_count"] = .integer(Int64(row.itemCount))
        object["keep_count"] = .integer(Int64(row.keepCount))
        object["items_hmac_sha256"] = .string(Hexadecimal.string(try itemsDigest(db, row.id)))
        object["attempts"] = .integer(Int64(row.attempt))
        object["received_at"] = time(row.createdAt)
        object["applied_at"] = time(row.finalizedAt)
        object["due_at"] = time(row.dueAt)
        if let due = row.dueAt, let applied = row.finalizedAt {
            object["deadline_met"] = .bool(applied <= due)
        } else {
            object["deadline_met"] = .null
        }
        return .object(object)
    }

    /// A digest of the items under the master key and the request's id: who holds the key and the items can tell that
    /// they belong together, nobody else can even guess.
    private func itemsDigest(_ db: Database, _ id: RequestID) throws -> Data {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT r.wrapped_key, p.body FROM requests r JOIN payloads p ON p.request_id = r.id WHERE r.id = ?
                    """),
            arguments: [id.rawValue])
        guard let row, let wrapped = row["wrapped_key"] as Data? else { throw Self.damaged("a request without text") }
        let items = JSONValue.array(try decrypt(row["body"], wrapped, id).items.map(\.json))
        return cipher.master.digest("certificate", Data("\(id.rawValue)\u{0}".utf8) + items.serialized())
    }

    private static func describe(_ generation: GenerationRow) -> JSONValue {
        .object(
            JSONObject([
                ("number", .integer(Int64(generation.number))),
                ("manifest_sha256", .string(Hexadecimal.string(generation.manifestDigest))),
                ("created_at", .string(Timestamp.string(generation.createdAt))),
            ]))
    }

    private static func describe(_ position: AuditPosition) -> JSONValue {
        .object(
            JSONObject([
                ("sequence", .integer(position.sequence)), ("hash", .string(Hexadecimal.string(position.hash))),
            ]))
    }
}

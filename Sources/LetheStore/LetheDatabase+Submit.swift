import Foundation
import GRDB
import LetheCore
import Synchronization

extension LetheDatabase {
    /// Accepts a request: once this returns, it is on disk.
    ///
    /// Submissions that arrive while another commit is under way share the next one. Not cancelled with the calling
    /// task.
    /// - Parameters:
    ///   - request: what is asked for; its text is encrypted before it leaves memory.
    ///   - idempotencyKey: chosen by the caller, 1 to 255 bytes; stored as a keyed digest only.
    ///   - bodyDigest: a digest of the body as it arrived; decides whether a second use of the key is a repetition.
    ///   - scope: what the key belongs to, such as an API key's id and the route.
    /// - Returns: the new request, or the one that the same key and body made within the idempotency window.
    /// - Throws: ``LetheError`` with code `conflict` when the key was used with another body, `not_found` when no
    ///   such model is registered, `bad_data` when the model has to be named, or the key is empty or too long,
    ///   `queue_full` and `disk_full` when ``admission`` allows no further request. A repetition is never refused.
    public func submit(
        request: ErasureRequest, idempotencyKey: String, bodyDigest: Data, scope: String = ""
    ) async throws -> SubmitOutcome {
        if let failure { throw failure }
        guard (1...255).contains(idempotencyKey.utf8.count) else {
            throw LetheError(.badData, "Idempotency-Key: has to have 1 to 255 bytes")
        }
        guard !request.items.isEmpty else { throw LetheError(.badData, "/items: needs at least one item") }
        let id = RequestID(identifiers.next(at: clock.now()))
        let (key, wrappedKey) = try cipher.makeKey(id)
        let summary = try cipher.seal(RequestSummary(request).data, .summary, id, key)
        let payload = try cipher.seal(request.json.serialized(), .payload, id, key)
        let referenceDigest = request.reference.map(referenceDigest)
        let scopedKey = Data("\(scope.utf8.count) \(scope) \(idempotencyKey)".utf8)
        let keyDigest = cipher.master.digest("idempotency-key", scopedKey)
        let fingerprint = cipher.master.digest("body", bodyDigest)
        return try await withCheckedThrowingContinuation { continuation in
            let entry = SubmitQueue.Entry(
                id: id, request: request, wrappedKey: wrappedKey, summary: summary, payload: payload,
                referenceDigest: referenceDigest, keyDigest: keyDigest, fingerprint: fingerprint,
                actor: AuditActor.current, continuation: continuation)
            if submissions.withLock({ $0.add(entry) }) { scheduleDrain() }
        }
    }

    /// The digest by which requests with a reference are found.
    func referenceDigest(_ reference: String) -> Data {
        cipher.master.digest("reference", Data(reference.utf8))
    }

    private func scheduleDrain() {
        onWriter { db in
            let commitTime = self.commitTime
            let batch = self.submissions.withLock { $0.take(bytes: 8 << 20, commitTime: commitTime) }
            guard !batch.isEmpty else { return }
            self.insert(db, batch)
            // Other writes that queued up meanwhile get their turn first.
            self.scheduleDrain()
        }
    }

    /// Inserts a batch in one transaction; when it fails, each submission gets one of its own, so that none is
    /// refused for another's sake.
    private func insert(_ db: Database, _ batch: [SubmitQueue.Entry]) {
        let bytes = batch.reduce(0) { $0 + $1.payload.count + 1024 }
        let began = ContinuousClock.now
        var inserted = began
        let outcome = Result {
            try commit(db, "submit") { db in
                try self.forgetExpiredKeys(db)
                var room = try self.room(db)
                let results = try batch.map { entry in
                    try AuditActor.$current.withValue(entry.actor) {
                        try self.refusals { try self.insert(db, entry, &room) }
                    }
                }
                inserted = .now
                return results
            }
        }
        switch outcome {
        case .success(let results):
            submissions.withLock { $0.record(count: batch.count, inserting: inserted - began) }
            for (entry, result) in zip(batch, results) { entry.continuation.resume(with: result) }
            checkpointIfDue(db, bytes: bytes)
        case .failure(let error) where batch.count == 1 || StoreErrors.isFatal(error):
            for entry in batch { entry.continuation.resume(throwing: error) }
        case .failure:
            for entry in batch { insert(db, [entry]) }
        }
    }

    /// Deletes a few idempotency keys whose window is over.
    private func forgetExpiredKeys(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                DELETE FROM idempotency WHERE key_digest IN
                    (SELECT key_digest FROM idempotency WHERE expires_at <= ? ORDER BY expires_at LIMIT 512)
                """
        ).execute(arguments: [now()])
    }

    /// What a batch may take, and what it has learnt so far.
    private struct Room {
        /// How many more requests may be accepted.
        var requests: Int
        /// Whether the disk has space for any.
        let hasDisk: Bool
        /// The models that requests have named; nil is the name of the only one.
        var models: [String?: (id: Int64, name: String)] = [:]
    }

    private func room(_ db: Database) throws -> Room {
        let pending = try Int.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT coalesce(sum(amount), 0) FROM request_counts
                    WHERE state IN ('queued', 'retryable', 'running', 'verifying')
                    """))
        return Room(
            requests: admission.pending - (pending ?? 0),
            hasDisk: try directory.availableBytes() >= admission.freeBytes)
    }

    /// Keeps the refusals of one submission apart from the failures of the whole transaction.
    private func refusals(_ body: () throws -> SubmitOutcome) throws -> Result<SubmitOutcome, any Error> {
        do {
            return .success(try body())
        } catch let error as LetheError {
            return .failure(error)
        }
    }

    /// Inserts one submission, or finds the one it repeats. Throws ``LetheError`` before the first change only.
    private func insert(
        _ db: Database, _ entry: SubmitQueue.Entry, _ room: inout Room
    ) throws -> SubmitOutcome {
        let now = now()
        let known = try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT fingerprint, request_id FROM idempotency WHERE key_digest = ? AND expires_at > ?"),
            arguments: [entry.keyDigest, now])
        if let known {
            guard known["fingerprint"] as Data == entry.fingerprint else {
                throw LetheError(.conflict, "Idempotency-Key: was already used with another body")
            }
            return .replayed(try requireRow(db, requestID(known["request_id"])))
        }
        let model = try room.models[entry.request.model] ?? resolveModel(db, entry.request.model)
        room.models[entry.request.model] = model
        guard room.requests > 0 else {
            throw LetheError(.queueFull, "\(admission.pending) requests are waiting, which is the limit")
        }
        guard room.hasDisk else { throw LetheError(.diskFull, "the disk is almost full") }
        room.requests -= 1
        let createdAt = nextCreation()
        let request = entry.request
        try db.cachedStatement(
            sql: """
                INSERT INTO requests (id, revision, model_id, kind, category, priority, due_at, item_count, keep_count,
                    state, attempt, created_at, updated_at, wrapped_key, summary, reference_digest)
                VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, 'queued', 0, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.id.rawValue, model.id, request.kind.rawValue, request.category.rawValue, request.priority,
            request.dueAt.map(StoreTime.microseconds), request.items.count, request.keep.count, createdAt, createdAt,
            entry.wrappedKey, entry.summary, entry.referenceDigest,
        ])
        try db.cachedStatement(sql: "INSERT INTO payloads (request_id, body) VALUES (?, ?)")
            .execute(arguments: [entry.id.rawValue, entry.payload])
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO idempotency (key_digest, fingerprint, request_id, expires_at)
                VALUES (?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.keyDigest, entry.fingerprint, entry.id.rawValue,
            now + StoreTime.microseconds(Date(timeIntervalSince1970: idempotencyWindow)),
        ])
        try insertEvent(
            db, kind: "submitted", requestID: entry.id, at: createdAt, to: RequestStateMachine.initial, attempt: 0)
        let created = StoreTime.date(createdAt)
        return .created(
            RequestRow(
                id: entry.id, revision: 1, state: RequestStateMachine.initial, kind: request.kind,
                category: request.category, reference: request.reference.map(Sensitive.init),
                options: request.options, model: model.name, priority: request.priority,
                dueAt: request.dueAt.map { StoreTime.date(StoreTime.microseconds($0)) },
                itemCount: request.items.count, keepCount: request.keep.count, attempt: 0, createdAt: created,
                updatedAt: created, startedAt: nil, finalizedAt: nil, purgedAt: nil, retryAt: nil, generation: nil,
                changed: nil, errorCode: nil, errorMessage: nil, record: nil, destroyedAt: nil))
    }

    /// The model that a request means.
    private func resolveModel(_ db: Database, _ name: String?) throws -> (id: Int64, name: String) {
        if let name {
            let id = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT id FROM models WHERE name = ?"), arguments: [name])
            guard let id else { throw LetheError(.notFound, "/model: no such model") }
            return (id, name)
        }
        let rows = try Row.fetchAll(db.cachedStatement(sql: "SELECT id, name FROM models ORDER BY id LIMIT 2"))
        guard let row = rows.first else { throw LetheError(.notFound, "/model: no model is registered") }
        guard rows.count == 1 else {
            throw LetheError(.badData, "/model: has to be given, as there is more than one model")
        }
        return (row["id"], row["name"])
    }
}

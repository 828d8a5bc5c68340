import Foundation
import GRDB
import LetheCore

/// The life of a request, from the claim to its end without a new generation.
extension LetheDatabase {
    /// How long a request waits before it gets a turn whatever its priority and deadline.
    public static let patience: TimeInterval = 86_400
    /// One in so many claims takes the request that has waited longest, once it has waited for ``patience``.
    public static let agedTurn: Int64 = 4

    /// Takes the next request: larger priority first, then the earlier deadline, then the older one.
    ///
    /// So that a low priority never starves, every fourth claim takes the oldest request instead, when that has waited
    /// for a day: a request with n older ones waits for at most 4 * (n + 1) claims after its first day, and whatever
    /// comes in more urgently keeps three quarters of the claims.
    ///
    /// Requests whose retry time has come are queued first. The claim gets a fence that no other has, and counts an
    /// attempt. A request whose text cannot be decrypted is failed (`text_unreadable`) and passed over.
    /// - Parameter model: only requests for this model; nil for all.
    /// - Returns: nil when nothing waits.
    public func claimNext(model: String? = nil) async throws -> ClaimedRequest? {
        let now = now()
        guard try await read({ try self.hasWork($0, at: now, model: model) }) else { return nil }
        return try await write("claim") { db in
            try self.requeueDue(db, at: now)
            while let next = try self.nextQueued(db, model: model) {
                let fence = try self.takeFence(db)
                let isAgedTurn = fence % Self.agedTurn == 0
                let aged = isAgedTurn ? try self.longestWaiting(db, model: model, at: now) : nil
                if let claimed = try self.claim(db, aged ?? next, fence, at: now) { return claimed }
            }
            return nil
        }
    }

    /// Whether there is anything to claim or to queue again; spares an idle worker its write transactions.
    private func hasWork(_ db: Database, at now: Int64, model: String?) throws -> Bool {
        if try nextQueued(db, model: model) != nil { return true }
        return try Bool.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM requests INDEXED BY requests_to_retry
                        WHERE state = 'retryable' AND retry_at <= ?)
                    """),
            arguments: [now]) ?? false
    }

    private func nextQueued(_ db: Database, model: String?) throws -> RequestID? {
        let condition = model == nil ? "" : "AND model_id = (SELECT id FROM models WHERE name = ?)"
        return try String.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT id FROM requests INDEXED BY requests_queue WHERE state = 'queued' \(condition)
                    ORDER BY priority DESC, coalesce(due_at, 9223372036854775807), created_at, id LIMIT 1
                    """),
            arguments: model == nil ? [] : [model]
        ).map(requestID)
    }

    /// The oldest queued request, when it has waited for ``patience``.
    private func longestWaiting(_ db: Database, model: String?, at now: Int64) throws -> RequestID? {
        let condition = model == nil ? "" : "AND model_id = (SELECT id FROM models WHERE name = ?)"
        let before = now - StoreTime.microseconds(Date(timeIntervalSince1970: Self.patience))
        return try String.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT id FROM requests INDEXED BY requests_by_state
                    WHERE state = 'queued' AND created_at <= ? \(condition) ORDER BY created_at, id LIMIT 1
                    """),
            arguments: model == nil ? [before] : [before, model]
        ).map(requestID)
    }

    private func requeueDue(_ db: Database, at now: Int64) throws {
        let due = try String.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id FROM requests INDEXED BY requests_to_retry
                    WHERE state = 'retryable' AND retry_at <= ? ORDER BY retry_at LIMIT 256
                    """),
            arguments: [now])
        for id in due { try transition(db, requestID(id), on: .requeue, at: now) }
    }

    /// - Returns: nil when the request's text cannot be decrypted; it is failed then.
    private func claim(_ db: Database, _ id: RequestID, _ fence: Int64, at now: Int64) throws -> ClaimedRequest? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    UPDATE requests SET state = 'running', revision = revision + 1, attempt = attempt + 1, fence = ?,
                        boot_id = ?, started_at = coalesce(started_at, ?), updated_at = ?
                    WHERE id = ? AND state = 'queued'
                    RETURNING attempt, model_id, created_at, wrapped_key
                    """),
            arguments: [fence, bootID, now, now, id.rawValue])
        guard let row else { throw LetheError(.internalError, "request \(id) was not claimed") }
        try insertEvent(
            db, kind: RequestEvent.claim.rawValue, requestID: id, at: now, from: .queued, to: .running,
            attempt: row["attempt"], detail: .object(JSONObject([("fence", .integer(fence))])))
        let payload = try Data.fetchOne(
            db.cachedStatement(sql: "SELECT body FROM payloads WHERE request_id = ?"), arguments: [id.rawValue])
        guard let payload, let wrapped = row["wrapped_key"] as Data?,
            let request = try? decrypt(payload, wrapped, id)
        else {
            try fail(
                db, Claim(id: id, fence: fence), "text_unreadable", "the stored text cannot be decrypted", at: now)
            return nil
        }
        let modelID: Int64 = row["model_id"]
        let model = try model(db, id: modelID)
        return ClaimedRequest(
            claim: Claim(id: id, fence: fence), request: request, model: model.name, attempt: row["attempt"],
            createdAt: StoreTime.date(row["created_at"]), head: try generation(db, id: model.headID),
            nextGeneration: try nextNumber(db, modelID: modelID))
    }

    /// A fence that was never used before, for work outside of a claim such as an import.
    public func takeFence() async throws -> Int64 {
        try await write("fence") { try self.takeFence($0) }
    }

    private func takeFence(_ db: Database) throws -> Int64 {
        let fence = try Int64.fetchOne(
            db.cachedStatement(sql: "UPDATE settings SET fence = fence + 1 RETURNING fence"))
        guard let fence else { throw LetheError(.internalError, "no fence") }
        return fence
    }

    /// Records progress and learns whether the claim still holds. Call it between steps.
    /// - Throws: ``LetheError`` with code `conflict` or `invalid_state` when the request was cancelled or is held
    ///   under another fence: stop the work.
    public func progress(_ claim: Claim, _ update: ProgressUpdate) async throws {
        let detail = try update.json()
        let now = now()
        try await write("progress") { db in
            let attempt = try self.requireHeld(db, claim)
            try self.insertEvent(
                db, kind: "progress", requestID: claim.id, at: now, attempt: attempt, detail: detail)
        }
    }

    /// Learns whether the claim still holds, without writing anything.
    /// - Throws: as ``progress(_:_:)``.
    public func checkClaim(_ claim: Claim) async throws {
        _ = try await read { try self.requireHeld($0, claim) }
    }

    private func requireHeld(_ db: Database, _ claim: Claim) throws -> Int {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT state, fence, attempt FROM requests WHERE id = ?"),
            arguments: [claim.id.rawValue])
        guard let row else { throw LetheError(.notFound, "no request has this id") }
        guard let state = RequestState(rawValue: row["state"]), state.isHeld else {
            throw LetheError(.invalidState, "request \(claim.id) is no longer held")
        }
        guard row["fence"] as Int64? == claim.fence else {
            throw LetheError(.conflict, "request \(claim.id) is no longer held under fence \(claim.fence)")
        }
        return row["attempt"]
    }

    /// `running -> verifying`: the update is done and is being checked.
    public func markVerifying(_ claim: Claim) async throws {
        let now = now()
        try await write("verify") { db in
            try self.transition(db, claim.id, on: .beginVerification, fence: claim.fence, at: now)
        }
    }

    /// `verifying -> running`: the check was not passed, and the update is made again.
    /// - Parameter detail: what was missed, in numbers.
    public func strengthen(_ claim: Claim, detail: JSONValue) async throws {
        let now = now()
        try await write("strengthen") { db in
            try self.transition(db, claim.id, on: .strengthen, fence: claim.fence, at: now, detail: detail)
        }
    }

    /// `running -> applied` without a generation: the filter found that nothing of the request is left in the model.
    ///
    /// - Parameters:
    ///   - head: the number of the generation that was examined; has to be the head still.
    ///   - files: its files but the manifest, which the certificate lists.
    /// - Throws: ``LetheError`` with code `conflict` when the head is another one.
    public func completeWithoutChange(
        _ claim: Claim, head: Int, record: JSONValue, files: [GenerationManifest.File] = []
    ) async throws {
        let now = now()
        try await write("complete") { db in
            let headID = try self.requireHead(db, of: claim.id, number: head)
            try self.transition(
                db, claim.id, on: .alreadyForgotten, fence: claim.fence, at: now,
                Changes(generationID: headID, changed: false, record: record),
                detail: .object(JSONObject([("generation", .integer(Int64(head)))])))
            try self.certify(db, claim.id, files: files, at: now)
        }
    }

    /// The database id of the head of a request's model, when it has this number.
    private func requireHead(_ db: Database, of id: RequestID, number: Int) throws -> Int64 {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT g.id, g.number FROM requests r JOIN models m ON m.id = r.model_id
                JOIN generations g ON g.id = m.head_id WHERE r.id = ?
                """, arguments: [id.rawValue])
        guard let row else { throw LetheError(.notFound, "no request has this id") }
        guard row["number"] as Int == number else {
            throw LetheError(.conflict, "generation \(number) is no longer the head")
        }
        return row["id"]
    }

    /// Ends a claim in `failed`, for good.
    ///
    /// - Parameters:
    ///   - code: a stable reason.
    ///   - message: for a person; must hold no text of the request. Cut at 512 characters.
    ///   - record: what the last update did and measured; must hold no text of the request.
    public func fail(_ claim: Claim, code: String, message: String, record: JSONValue? = nil) async throws {
        let now = now()
        try await write("fail") { try self.fail($0, claim, code, message, record: record, at: now) }
    }

    private func fail(
        _ db: Database, _ claim: Claim, _ code: String, _ message: String, record: JSONValue? = nil, at now: Int64
    ) throws {
        let error = (code: String(code.prefix(64)), message: String(message.prefix(512)))
        try transition(
            db, claim.id, on: .fail, fence: claim.fence, at: now, Changes(record: record, error: error),
            detail: Self.detail(error))
    }

    /// Ends a claim in `retryable`: it is queued again by the first ``claimNext(model:)`` at or after `date`.
    public func scheduleRetry(_ claim: Claim, at date: Date, code: String, message: String) async throws {
        let now = now()
        let error = (code: String(code.prefix(64)), message: String(message.prefix(512)))
        let retryAt = StoreTime.microseconds(date)
        var detail = Self.detail(error)
        if case .object(var object) = detail {
            object["retry_at"] = .string(Timestamp.string(date))
            detail = .object(object)
        }
        try await write("retry") { [detail] db in
            try self.transition(
                db, claim.id, on: .deferRetry, fence: claim.fence, at: now, Changes(retryAt: retryAt, error: error),
                detail: detail)
        }
    }

    /// Gives a claim back undone, as at shutdown; the request is queued again.
    public func release(_ claim: Claim) async throws {
        let now = now()
        try await write("release") { try self.transition($0, claim.id, on: .release, fence: claim.fence, at: now) }
    }

    /// When the next `retryable` request is due; nil when there is none.
    public func nextRetry() async throws -> Date? {
        try await read { db in
            try Int64.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT min(retry_at) FROM requests INDEXED BY requests_to_retry WHERE state = 'retryable'
                        """)
            ).map(StoreTime.date)
        }
    }

    /// Stops a request that is not applied yet. A worker that holds it loses its claim: nothing that it made can be
    /// published any more.
    ///
    /// - Parameter revision: the revision that the row has to have; nil for any.
    /// - Returns: the row afterwards.
    /// - Throws: ``LetheError`` with code `not_found`, `invalid_state` when it has ended, `precondition_failed`.
    public func cancel(_ id: RequestID, ifRevision revision: Int64? = nil) async throws -> RequestRow {
        let now = now()
        return try await write("cancel") { db in
            try self.transition(db, id, on: .cancel, revision: revision, at: now)
            return try self.requireRow(db, id)
        }
    }

    /// Queues a `failed` or `retryable` request again, at once.
    /// - Parameter revision: the revision that the row has to have; nil for any.
    /// - Returns: the row afterwards.
    /// - Throws: ``LetheError`` with code `not_found`, `invalid_state` when the request is in another state or its text
    ///   was destroyed, `precondition_failed`.
    public func retry(_ id: RequestID, ifRevision revision: Int64? = nil) async throws -> RequestRow {
        let now = now()
        return try await write("retry") { db in
            let destroyed = try Bool.fetchOne(
                db, sql: "SELECT destroyed_at IS NOT NULL FROM requests WHERE id = ? AND state = 'failed'",
                arguments: [id.rawValue])
            guard destroyed != true else {
                throw LetheError(.invalidState, "the text of request \(id) was destroyed; submit it again")
            }
            try self.transition(db, id, on: .retry, revision: revision, at: now)
            return try self.requireRow(db, id)
        }
    }

    /// Takes requests back that an earlier start of the program held: they are queued again, or failed
    /// (`attempts_exhausted`) after `maximumAttempts`, so that a request that brings the program down cannot do so
    /// for ever. Idempotent. The data directory's lock makes sure that nobody works on them any more.
    /// - Returns: the requests that were queued again.
    @discardableResult
    public func rescueOrphans(maximumAttempts: Int = 1000) async throws -> [RequestID] {
        let now = now()
        return try await write("rescue") { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, fence, attempt FROM requests
                    WHERE state IN ('running', 'verifying') AND boot_id <> ? ORDER BY fence
                    """, arguments: [self.bootID])
            var rescued: [RequestID] = []
            for row in rows {
                let claim = Claim(id: try self.requestID(row["id"]), fence: row["fence"])
                if row["attempt"] as Int >= maximumAttempts {
                    try self.fail(
                        db, claim, "attempts_exhausted", "the program ended during every attempt", at: now)
                } else {
                    try self.transition(db, claim.id, on: .rescue, fence: claim.fence, at: now)
                    rescued.append(claim.id)
                }
            }
            return rescued
        }
    }

    static func detail(_ error: (code: String, message: String)) -> JSONValue {
        .object(JSONObject([("code", .string(error.code)), ("message", .string(error.message))]))
    }
}

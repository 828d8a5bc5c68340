import Foundation
import GRDB
import LetheCore

/// Reading and writing rows inside a transaction.
extension LetheDatabase {
    /// The columns that ``row(_:)`` reads.
    static let requestColumns = """
        SELECT r.*, m.name AS model_name, g.number AS generation_number
        FROM requests r JOIN models m ON m.id = r.model_id LEFT JOIN generations g ON g.id = r.generation_id
        """

    /// A stored request id.
    /// - Throws: ``LetheError`` with code `bad_data` when the database holds something else.
    func requestID(_ text: String) throws -> RequestID {
        guard let id = RequestID(rawValue: text) else { throw Self.damaged("a request id") }
        return id
    }

    static func damaged(_ what: String) -> LetheError {
        LetheError(.badData, "lethe.sqlite holds \(what) that this program did not write")
    }

    /// Decodes and decrypts a row of ``requestColumns``.
    func row(_ row: Row) throws -> RequestRow {
        let id = try requestID(row["id"])
        guard let state = RequestState(rawValue: row["state"]), let kind = RequestKind(rawValue: row["kind"]),
            let category = RequestCategory(rawValue: row["category"])
        else { throw Self.damaged("a state") }
        var summary: RequestSummary?
        if let wrapped = row["wrapped_key"] as Data?, let box = row["summary"] as Data? {
            summary = try RequestSummary(data: cipher.open(box, .summary, id, cipher.unwrap(wrapped, id)))
        }
        let record = try (row["record"] as String?).map {
            try JSONParser.parse(Data($0.utf8), limits: .modelFile, context: "stored record")
        }
        func date(_ column: String) -> Date? { (row[column] as Int64?).map(StoreTime.date) }
        return RequestRow(
            id: id, revision: row["revision"], state: state, kind: kind, category: category,
            reference: summary?.reference.map(Sensitive.init), options: summary?.options, model: row["model_name"],
            priority: row["priority"], dueAt: date("due_at"), itemCount: row["item_count"],
            keepCount: row["keep_count"], attempt: row["attempt"],
            createdAt: StoreTime.date(row["created_at"]), updatedAt: StoreTime.date(row["updated_at"]),
            startedAt: date("started_at"), finalizedAt: date("finalized_at"), purgedAt: date("purged_at"),
            retryAt: date("retry_at"), generation: row["generation_number"],
            changed: (row["changed"] as Int?).map { $0 != 0 }, errorCode: row["error_code"],
            errorMessage: row["error_message"], record: record, destroyedAt: date("destroyed_at"))
    }

    /// The row of a request.
    /// - Throws: ``LetheError`` with code `not_found`.
    func requireRow(_ db: Database, _ id: RequestID) throws -> RequestRow {
        let statement = try db.cachedStatement(sql: "\(Self.requestColumns) WHERE r.id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [id.rawValue]) else {
            throw LetheError(.notFound, "no request has this id")
        }
        return try self.row(row)
    }

    /// Appends an event, and unless it is mere progress an entry of the audit log.
    func insertEvent(
        _ db: Database, kind: String, requestID: RequestID? = nil, modelID: Int64? = nil, at: Int64,
        from: RequestState? = nil, to: RequestState? = nil, attempt: Int? = nil, detail: JSONValue? = nil
    ) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO events (request_id, model_id, at, kind, from_state, to_state, attempt, detail)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            requestID?.rawValue, modelID, at, kind, from?.rawValue, to?.rawValue, attempt,
            detail?.serializedString(),
        ])
        guard kind != "progress" else { return }
        try appendAudit(
            db, action: kind, requestID: requestID, model: modelID.map { try self.model(db, id: $0).name }, at: at,
            from: from, to: to, attempt: attempt, detail: detail)
    }

    /// Column values that a transition sets beside those that follow from the states.
    struct Changes {
        var generationID: Int64?
        var changed: Bool?
        var record: JSONValue?
        var retryAt: Int64?
        var error: (code: String, message: String)?
    }

    /// Moves a request as ``RequestStateMachine`` allows, and appends the event.
    ///
    /// The UPDATE is guarded by id, state and fence and has to change exactly one row.
    /// - Parameters:
    ///   - fence: the fence of the claim that has to be the one that holds the request; nil for changes that need no
    ///     claim.
    ///   - revision: the revision that the row has to have; nil for any.
    /// - Throws: ``LetheError`` with code `not_found`, `invalid_state` when the request's state does not allow the
    ///   event, `conflict` when another claim holds it, `precondition_failed` when the revision is another one.
    func transition(
        _ db: Database, _ id: RequestID, on event: RequestEvent, fence: Int64? = nil, revision: Int64? = nil,
        at now: Int64, _ changes: Changes = Changes(), detail: JSONValue? = nil
    ) throws {
        let found = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT state, fence, attempt, revision FROM requests WHERE id = ?"),
            arguments: [id.rawValue])
        guard let found else { throw LetheError(.notFound, "no request has this id") }
        guard let state = RequestState(rawValue: found["state"]) else { throw Self.damaged("a state") }
        if let revision, revision != found["revision"] {
            throw LetheError(.preconditionFailed, "request \(id) has changed")
        }
        guard let target = RequestStateMachine.next(state, on: event) else {
            throw LetheError(.invalidState, "request \(id) is \(state): \(event) is not possible")
        }
        let holder = found["fence"] as Int64?
        if let fence, fence != holder {
            throw LetheError(.conflict, "request \(id) is no longer held under fence \(fence)")
        }
        let isEntered = target.isFinal && !state.isFinal
        let leavesGeneration = !(target == .applied || target == .purged)
        try db.cachedStatement(
            sql: """
                UPDATE requests SET
                    state = :target, revision = revision + 1, updated_at = :now,
                    fence = CASE WHEN :held THEN fence END,
                    boot_id = CASE WHEN :held THEN boot_id END,
                    retry_at = :retry_at,
                    finalized_at = CASE WHEN :entered THEN :now WHEN :final THEN finalized_at END,
                    purged_at = CASE WHEN :target = 'purged' THEN :now END,
                    generation_id = CASE WHEN :leaves THEN NULL ELSE coalesce(:generation_id, generation_id) END,
                    changed = CASE WHEN :leaves THEN NULL ELSE coalesce(:changed, changed) END,
                    record = coalesce(:record, record),
                    error_code = CASE WHEN :succeeded THEN NULL ELSE coalesce(:error_code, error_code) END,
                    error_message = CASE WHEN :succeeded THEN NULL ELSE coalesce(:error_message, error_message) END
                WHERE id = :id AND state = :state AND fence IS :fence
                """
        ).execute(arguments: [
            "target": target.rawValue, "now": now, "held": target.isHeld, "retry_at": changes.retryAt,
            "entered": isEntered || target == .failed, "final": target.isFinal, "leaves": leavesGeneration,
            "generation_id": changes.generationID, "changed": changes.changed,
            "record": changes.record?.serializedString(), "succeeded": target == .applied,
            "error_code": changes.error?.code, "error_message": changes.error?.message, "id": id.rawValue,
            "state": state.rawValue, "fence": holder,
        ])
        guard db.changesCount == 1 else { throw LetheError(.internalError, "request \(id) was not updated") }
        try insertEvent(
            db, kind: event.rawValue, requestID: id, at: now, from: state, to: target, attempt: found["attempt"],
            detail: detail)
    }
}

import Foundation
import GRDB
import LetheCore

extension LetheDatabase {
    /// Evaluations that may wait or run at once.
    public static let openEvaluations = 32

    /// Accepts an evaluation: once this returns, it is on disk.
    ///
    /// - Parameters:
    ///   - specification: what is run, as it is shown again.
    ///   - model: the model that is measured, at its present head; nil for one that is made on the spot.
    ///   - key: the caller's idempotency key; stored as a keyed digest, and remembered for good.
    ///   - bodyDigest: decides whether a second use of the key is a repetition.
    ///   - scope: what the key belongs to.
    ///   - keyID: the API key that asks.
    /// - Returns: the evaluation, and whether it is new.
    /// - Throws: `conflict` when the key was used with another body, `not_found` for an unknown model, `queue_full`
    ///   when ``openEvaluations`` wait or run.
    public func submitEvaluation(
        _ specification: JSONValue, model: String?, key: String, bodyDigest: Data, scope: String, keyID: String?
    ) async throws -> (row: EvaluationRow, isNew: Bool) {
        let id = EvaluationID(identifiers.next(at: clock.now()))
        let scopedKey = Data("\(scope.utf8.count) \(scope) \(key)".utf8)
        let keyDigest = cipher.master.digest("idempotency-key", scopedKey)
        let fingerprint = cipher.master.digest("body", bodyDigest)
        let text = specification.serializedString()
        let result = try await write("evaluation_submit", bytes: text.utf8.count) { db in
            let known = try Row.fetchOne(
                db, sql: "SELECT id, fingerprint FROM evaluations WHERE key_digest = ?", arguments: [keyDigest])
            if let known {
                guard known["fingerprint"] as Data == fingerprint else {
                    throw LetheError(.conflict, "Idempotency-Key: was already used with another body")
                }
                return (row: try self.requireEvaluation(db, known["id"]), isNew: false)
            }
            var generation: Int64?
            if let model {
                generation = try Int64.fetchOne(
                    db, sql: "SELECT head_id FROM models WHERE name = ?", arguments: [model])
                guard generation != nil else { throw LetheError(.notFound, "/model: no such model") }
            }
            let open = try Int.fetchOne(db, sql: "SELECT count(*) FROM evaluations WHERE finalized_at IS NULL") ?? 0
            guard open < Self.openEvaluations else {
                throw LetheError(.queueFull, "\(Self.openEvaluations) evaluations wait or run, which is the limit")
            }
            let now = self.now()
            let last = try Int64.fetchOne(db, sql: "SELECT max(created_at) FROM evaluations") ?? 0
            let createdAt = max(now, last + 1)
            try db.execute(
                sql: """
                    INSERT INTO evaluations (id, specification, generation_id, state, created_at, created_by,
                        updated_at, key_digest, fingerprint)
                    VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?)
                    """,
                arguments: [id.rawValue, text, generation, createdAt, keyID, createdAt, keyDigest, fingerprint])
            try self.insertEvaluationEvent(db, id, "submitted", at: createdAt, to: .queued)
            return (row: try self.requireEvaluation(db, id.rawValue), isNew: true)
        }
        evaluationFeed.announce()
        return result
    }

    /// One evaluation.
    /// - Throws: `not_found`.
    public func evaluation(_ id: EvaluationID) async throws -> EvaluationRow {
        try await read { try self.requireEvaluation($0, id.rawValue) }
    }

    /// One page of evaluations, newest first.
    /// - Parameters:
    ///   - before: only those that came before this one.
    ///   - limit: 1 to 1,000; clamped.
    /// - Throws: `bad_data` when `before` is none.
    public func evaluations(
        state: EvaluationState? = nil, before: EvaluationID? = nil, limit: Int
    ) async throws -> [EvaluationRow] {
        try await read { db in
            var conditions: [String] = []
            var arguments: [(any DatabaseValueConvertible)?] = []
            if let state {
                conditions.append("e.state = ?")
                arguments.append(state.rawValue)
            }
            if let before {
                let place = try Int64.fetchOne(
                    db, sql: "SELECT created_at FROM evaluations WHERE id = ?", arguments: [before.rawValue])
                guard let place else { throw LetheError(.badData, "cursor: is not one of this list") }
                conditions.append("(e.created_at, e.id) < (?, ?)")
                arguments += [place, before.rawValue]
            }
            arguments.append(max(1, min(1000, limit)))
            return try Row.fetchAll(
                db,
                sql: """
                    \(Self.evaluationColumns) \(conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))")
                    ORDER BY e.created_at DESC, e.id DESC LIMIT ?
                    """,
                arguments: StatementArguments(arguments)
            ).map { try self.evaluation($0, db) }
        }
    }

    /// Events of an evaluation, in order.
    /// - Throws: `not_found`.
    public func evaluationEvents(
        _ id: EvaluationID, after sequence: Int64 = 0, limit: Int = 200
    ) async throws -> [EvaluationEventRow] {
        try await read { db in
            _ = try self.requireEvaluation(db, id.rawValue)
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM evaluation_events WHERE evaluation_id = ? AND sequence > ? ORDER BY sequence LIMIT ?
                    """,
                arguments: [id.rawValue, sequence, max(1, min(1000, limit))]
            ).map { row in
                func state(_ column: String) throws -> EvaluationState? {
                    guard let text = row[column] as String? else { return nil }
                    guard let state = EvaluationState(rawValue: text) else { throw Self.damaged("a state") }
                    return state
                }
                return EvaluationEventRow(
                    sequence: row["sequence"], evaluationID: id, at: StoreTime.date(row["at"]), kind: row["kind"],
                    from: try state("from_state"), to: try state("to_state"),
                    detail: try (row["detail"] as String?).map {
                        try JSONParser.parse(Data($0.utf8), context: "stored event")
                    })
            }
        }
    }

    /// The folder with one folder for each evaluation.
    public var evaluationsURL: URL { directory.url.appendingPathComponent("evaluations", isDirectory: true) }

    /// Announcements that something of an evaluation was committed; a slow listener gets the newest only.
    public func evaluationAnnouncements() -> AsyncStream<Int64> { evaluationFeed.listen() }

    // MARK: - The worker's side

    /// Takes the evaluation that has waited longest; nil when none waits.
    public func claimEvaluation() async throws -> EvaluationRow? {
        let waiting = try await read { db in
            try String.fetchOne(
                db,
                sql: """
                    SELECT id FROM evaluations WHERE finalized_at IS NULL AND state = 'queued'
                    ORDER BY created_at, id LIMIT 1
                    """)
        }
        guard let waiting, let id = EvaluationID(rawValue: waiting) else { return nil }
        do {
            return try await moveEvaluation(id, "started", to: .running)
        } catch let error as LetheError where error.code == .invalidState {
            // Cancelled in between; another may wait.
            return try await claimEvaluation()
        }
    }

    /// Writes progress down.
    /// - Throws: `invalid_state` when the evaluation is not running any more.
    public func progressEvaluation(_ id: EvaluationID, _ progress: JSONValue) async throws {
        try await write("evaluation_progress") { db in
            let now = self.now()
            try db.execute(
                sql: "UPDATE evaluations SET progress = ?, updated_at = ? WHERE id = ? AND state = 'running'",
                arguments: [progress.serializedString(), now, id.rawValue])
            guard db.changesCount == 1 else { throw Self.notRunning }
            try self.insertEvaluationEvent(db, id, "progress", at: now, detail: progress)
        }
        evaluationFeed.announce()
    }

    /// Lets a running evaluation wait again; the next run goes on where it was.
    /// - Parameter reason: `requests`, `shutdown` or `restart`.
    /// - Throws: `invalid_state` when it is not running any more.
    public func interruptEvaluation(_ id: EvaluationID, reason: String) async throws {
        try await moveEvaluation(id, "interrupted", to: .queued, detail: ["reason": .string(reason)])
    }

    /// Ends a running evaluation, with an error or without.
    /// - Throws: `invalid_state` when it is not running any more.
    public func finishEvaluation(_ id: EvaluationID, error: LetheError?) async throws {
        let state = error == nil ? EvaluationState.succeeded : .failed
        try await moveEvaluation(id, state.rawValue, to: state, error)
    }

    /// Ends an evaluation that waits or runs; the worker notices at its next progress.
    /// - Throws: `not_found`, `invalid_state` when it has ended.
    @discardableResult
    public func cancelEvaluation(_ id: EvaluationID) async throws -> EvaluationRow {
        try await moveEvaluation(id, "cancelled", to: .cancelled)
    }

    /// The generations of a model of which evaluations that have not ended hold copies.
    func evaluatedGenerations(_ model: String) async throws -> Set<Int> {
        try await read { db in
            try Set(
                Int.fetchAll(
                    db,
                    sql: """
                        SELECT g.number FROM evaluations e JOIN generations g ON g.id = e.generation_id
                        JOIN models m ON m.id = g.model_id WHERE m.name = ? AND e.finalized_at IS NULL
                        """,
                    arguments: [model]))
        }
    }

    /// Whether an evaluation that has not ended works on copies of a generation's weights.
    func isBeingEvaluated(_ db: Database, generationID: Int64) throws -> Bool {
        try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM evaluations WHERE generation_id = ? AND finalized_at IS NULL)",
            arguments: [generationID]) ?? false
    }

    /// Lets every evaluation that an earlier run of the program held wait again.
    /// - Returns: which ones.
    @discardableResult
    public func rescueEvaluations() async throws -> [EvaluationID] {
        let held = try await read { db in
            try String.fetchAll(db, sql: "SELECT id FROM evaluations WHERE finalized_at IS NULL AND state = 'running'")
        }.compactMap(EvaluationID.init(rawValue:))
        for id in held { try await interruptEvaluation(id, reason: "restart") }
        return held
    }

    /// Whether a request waits for a worker.
    public func hasQueuedRequests() async throws -> Bool {
        try await read { db in
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM request_counts WHERE state = 'queued' AND amount > 0)") ?? false
        }
    }

    // MARK: - Rows

    private static let evaluationColumns = """
        SELECT e.*, m.name AS model_name FROM evaluations e
        LEFT JOIN generations g ON g.id = e.generation_id LEFT JOIN models m ON m.id = g.model_id
        """

    private static let notRunning = LetheError(.invalidState, "the evaluation is not running")

    @discardableResult
    private func moveEvaluation(
        _ id: EvaluationID, _ kind: String, to target: EvaluationState, _ error: LetheError? = nil,
        detail: JSONValue? = nil
    ) async throws -> EvaluationRow {
        let row = try await write("evaluation_\(kind)") { db in
            let current = try self.requireEvaluation(db, id.rawValue)
            let allowed: Set<EvaluationState> =
                switch target {
                case .running: [.queued]
                case .cancelled: [.queued, .running]
                case .queued, .succeeded, .failed: [.running]
                }
            guard allowed.contains(current.state) else {
                throw LetheError(.invalidState, "evaluation \(id) is \(current.state.rawValue)")
            }
            let now = self.now()
            try db.execute(
                sql: """
                    UPDATE evaluations SET state = :target, updated_at = :now,
                        runs = runs + (:target = 'running'),
                        started_at = CASE WHEN :target = 'running' THEN coalesce(started_at, :now) ELSE started_at END,
                        finalized_at = CASE WHEN :final THEN :now END,
                        error_code = :code, error_message = :message
                    WHERE id = :id AND state = :state
                    """,
                arguments: [
                    "target": target.rawValue, "now": now, "final": target.isFinal, "code": error?.code.rawValue,
                    "message": error?.message, "id": id.rawValue, "state": current.state.rawValue,
                ])
            guard db.changesCount == 1 else {
                throw LetheError(.internalError, "evaluation \(id) was not updated")
            }
            let detail = detail ?? error.map { ["code": .string($0.code.rawValue), "message": .string($0.message)] }
            try self.insertEvaluationEvent(db, id, kind, at: now, from: current.state, to: target, detail: detail)
            return try self.requireEvaluation(db, id.rawValue)
        }
        evaluationFeed.announce()
        return row
    }

    private func insertEvaluationEvent(
        _ db: Database, _ id: EvaluationID, _ kind: String, at: Int64, from: EvaluationState? = nil,
        to: EvaluationState? = nil, detail: JSONValue? = nil
    ) throws {
        try db.execute(
            sql: """
                INSERT INTO evaluation_events (evaluation_id, at, kind, from_state, to_state, detail)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [id.rawValue, at, kind, from?.rawValue, to?.rawValue, detail?.serializedString()])
    }

    private func requireEvaluation(_ db: Database, _ id: String) throws -> EvaluationRow {
        guard let row = try Row.fetchOne(db, sql: "\(Self.evaluationColumns) WHERE e.id = ?", arguments: [id]) else {
            throw LetheError(.notFound, "no evaluation has this id")
        }
        return try evaluation(row, db)
    }

    private func evaluation(_ row: Row, _ db: Database) throws -> EvaluationRow {
        guard let id = EvaluationID(rawValue: row["id"]), let state = EvaluationState(rawValue: row["state"]) else {
            throw Self.damaged("an evaluation")
        }
        func json(_ column: String) throws -> JSONValue? {
            try (row[column] as String?).map { try JSONParser.parse(Data($0.utf8), context: "stored evaluation") }
        }
        func date(_ column: String) -> Date? { (row[column] as Int64?).map(StoreTime.date) }
        var model: (String, GenerationRow)?
        if let name = row["model_name"] as String?, let generation = row["generation_id"] as Int64? {
            model = (name, try self.generation(db, id: generation))
        }
        var error: (code: String, message: String)?
        if let code = row["error_code"] as String?, let message = row["error_message"] as String? {
            error = (code, message)
        }
        return EvaluationRow(
            id: id, specification: try json("specification") ?? .null, model: model, state: state, runs: row["runs"],
            progress: try json("progress"), error: error, createdAt: StoreTime.date(row["created_at"]),
            updatedAt: StoreTime.date(row["updated_at"]), startedAt: date("started_at"),
            finalizedAt: date("finalized_at"))
    }
}

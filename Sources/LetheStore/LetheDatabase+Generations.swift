import Foundation
import GRDB
import LetheCore

/// Models, their generations and the head.
extension LetheDatabase {
    // MARK: - Reading

    /// Every model, by time of registration.
    public func models() async throws -> [ModelRow] {
        try await read { db in
            try Int64.fetchAll(db, sql: "SELECT id FROM models ORDER BY id").map { try self.modelRow(db, id: $0) }
        }
    }

    /// One model.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func model(_ name: String) async throws -> ModelRow {
        try await read { db in try self.modelRow(db, id: self.requireModel(db, name)) }
    }

    /// What is served of a model.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func head(_ model: String) async throws -> GenerationRow {
        try await read { db in
            try self.generation(db, id: self.model(db, id: self.requireModel(db, model)).headID)
        }
    }

    /// The generation that stands for the model as it was before the requests that are still to come: the oldest kept
    /// one that the head descends from, or the head itself. It knows every text that is not forgotten yet, and a purge
    /// moves it on. Generations that a rollback left behind are never it.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func referenceGeneration(_ model: String) async throws -> GenerationRow {
        try await read { db in
            let modelID = try self.requireModel(db, model)
            let head = try self.model(db, id: modelID).headID
            let lineage = try Lineage(db, modelID: modelID)
            let ancestors = lineage.ancestors(of: head)
            let oldest = lineage.nodes.first { $0.state == .kept && ancestors.contains($0.id) }
            return try self.generation(db, id: oldest?.id ?? head)
        }
    }

    /// Reads the files of the ``referenceGeneration(_:)``: when that fails and a purge has moved the reference on in the
    /// meantime, reads those of the next one.
    /// - Throws: ``LetheError`` with code `not_found`, what `body` throws.
    public func withReferenceGeneration<Value: Sendable>(
        _ model: String, _ body: (GenerationRow) async throws -> Value
    ) async throws -> Value {
        while true {
            let reference = try await referenceGeneration(model)
            do {
                return try await body(reference)
            } catch {
                guard try await referenceGeneration(model).number != reference.number else { throw error }
            }
        }
    }

    /// Every generation of a model by number, those that are gone included.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func generations(_ model: String) async throws -> [GenerationRow] {
        try await read { try self.generations($0, modelID: self.requireModel($0, model)) }
    }

    private func requireModel(_ db: Database, _ name: String) throws -> Int64 {
        let id = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT id FROM models WHERE name = ?"), arguments: [name])
        guard let id else { throw LetheError(.notFound, "no model has this name") }
        return id
    }

    func model(_ db: Database, id: Int64) throws -> (name: String, createdAt: Date, headID: Int64) {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT name, created_at, head_id FROM models WHERE id = ?"), arguments: [id])
        guard let row else { throw Self.damaged("a request without a model") }
        return (row["name"], StoreTime.date(row["created_at"]), row["head_id"])
    }

    private func modelRow(_ db: Database, id: Int64) throws -> ModelRow {
        let model = try model(db, id: id)
        let kept = try Int.fetchOne(
            db, sql: "SELECT count(*) FROM generations WHERE model_id = ? AND state = 'kept'", arguments: [id])
        let open = try Int.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT coalesce(sum(amount), 0) FROM request_counts
                    WHERE model_id = ? AND state IN ('queued', 'running', 'verifying', 'retryable')
                    """), arguments: [id])
        return ModelRow(
            name: model.name, createdAt: model.createdAt, head: try generation(db, id: model.headID),
            keptGenerations: kept ?? 0, openRequests: open ?? 0)
    }

    /// The columns that ``generation(_:_:)`` reads.
    private static let generationColumns = """
        SELECT g.*, p.number AS parent_number, m.head_id = g.id AS is_head
        FROM generations g JOIN models m ON m.id = g.model_id LEFT JOIN generations p ON p.id = g.parent_id
        """

    func generation(_ db: Database, id: Int64) throws -> GenerationRow {
        let statement = try db.cachedStatement(sql: "\(Self.generationColumns) WHERE g.id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [id]) else { throw Self.damaged("no such generation") }
        return try generation(db, row)
    }

    private func generations(_ db: Database, modelID: Int64) throws -> [GenerationRow] {
        try Row.fetchAll(
            db, sql: "\(Self.generationColumns) WHERE g.model_id = ? ORDER BY g.number", arguments: [modelID]
        ).map { try self.generation(db, $0) }
    }

    private func generation(_ db: Database, _ row: Row) throws -> GenerationRow {
        guard let state = GenerationRow.State(rawValue: row["state"]) else { throw Self.damaged("a state") }
        let requests = try String.fetchAll(
            db.cachedStatement(sql: "SELECT id FROM requests WHERE generation_id = ? AND changed = 1 ORDER BY id"),
            arguments: [row["id"] as Int64])
        return GenerationRow(
            number: row["number"], parent: row["parent_number"], folder: row["folder"],
            manifestDigest: row["manifest_digest"], byteCount: row["byte_count"], state: state,
            isHead: row["is_head"], createdAt: StoreTime.date(row["created_at"]),
            supersededAt: (row["superseded_at"] as Int64?).map(StoreTime.date),
            purgedAt: (row["purged_at"] as Int64?).map(StoreTime.date), requestIDs: try requests.map(requestID))
    }

    func nextNumber(_ db: Database, modelID: Int64) throws -> Int {
        try Int.fetchOne(
            db.cachedStatement(sql: "SELECT coalesce(max(number) + 1, 0) FROM generations WHERE model_id = ?"),
            arguments: [modelID]) ?? 0
    }

    // MARK: - Writing

    /// Registers a model whose first generation is durable in the ``GenerationStore``; it becomes the head.
    ///
    /// - Throws: ``LetheError`` with code `conflict` when the name is taken, `usage` when the generation has a parent
    ///   or a number other than 0.
    @discardableResult
    public func registerModel(_ published: PublishedGeneration) async throws -> ModelRow {
        guard ModelName.isValid(published.model) else { throw LetheError(.badData, "model: \(ModelName.rule)") }
        guard published.number == 0, published.parentDigest == nil else {
            throw LetheError(.usage, "the first generation of a model has number 0 and no parent")
        }
        let now = now()
        return try await write("register") { db in
            let taken = try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM models WHERE name = ?)", arguments: [published.model])
            guard taken != true else { throw LetheError(.conflict, "a model with this name is registered already") }
            let modelID = try Int64.fetchOne(db, sql: "SELECT coalesce(max(id), 0) + 1 FROM models") ?? 1
            let generationID = try self.insertGeneration(db, published, modelID: modelID, parentID: nil, at: now)
            try db.execute(
                sql: "INSERT INTO models (id, name, created_at, head_id) VALUES (?, ?, ?, ?)",
                arguments: [modelID, published.model, now, generationID])
            try self.insertEvent(
                db, kind: "model_registered", modelID: modelID, at: now, detail: Self.detail(published))
            return try self.modelRow(db, id: modelID)
        }
    }

    private func insertGeneration(
        _ db: Database, _ published: PublishedGeneration, modelID: Int64, parentID: Int64?, at now: Int64
    ) throws -> Int64 {
        try db.execute(
            sql: """
                INSERT INTO generations
                    (model_id, number, parent_id, folder, manifest_digest, byte_count, state, created_at)
                VALUES (?, ?, ?, ?, ?, ?, 'kept', ?)
                """,
            arguments: [
                modelID, published.number, parentID, published.folder, published.manifestDigest,
                published.byteCount, now,
            ])
        return db.lastInsertedRowID
    }

    private static func detail(_ published: PublishedGeneration) -> JSONValue {
        .object(
            JSONObject([
                ("generation", .integer(Int64(published.number))),
                ("manifest_sha256", .string(Hexadecimal.string(published.manifestDigest))),
            ]))
    }

    /// `verifying -> applied`: makes a durable generation the head and applies every request it carries out.
    ///
    /// One transaction inserts the generation, moves the head from its parent to it, ends the requests, issues their
    /// certificates, adds to the redundancy memory and appends the events: after a crash either all of it or nothing is there. When it throws,
    /// the generation's folder is unreferenced; ``GenerationStore/collect(model:keeping:)`` deletes it.
    /// - Throws: ``LetheError`` with code `conflict` when the head is not the generation's parent any more or a claim
    ///   is not held any more, `invalid_state` when a request is not `verifying`, `usage` when there is no request or a
    ///   request is for another model.
    @discardableResult
    public func complete(_ completions: [Completion], generation published: PublishedGeneration) async throws
        -> GenerationRow
    {
        guard !completions.isEmpty else { throw LetheError(.usage, "a generation needs a request") }
        let now = now()
        let bytes = completions.reduce(4096) { $0 + ($1.memory?.vectors.count ?? 0) * 4 }
        return try await write("complete", bytes: bytes) { db in
            let modelID = try self.requireModel(db, published.model)
            let parentID = try self.model(db, id: modelID).headID
            let parent = try self.generation(db, id: parentID)
            guard parent.manifestDigest == published.parentDigest, parent.number == published.parentNumber else {
                throw LetheError(.conflict, "the head of the model has moved since the work began")
            }
            guard published.number == (try self.nextNumber(db, modelID: modelID)) else {
                throw LetheError(.conflict, "generation \(published.number) is not the next one")
            }
            let id = try self.insertGeneration(db, published, modelID: modelID, parentID: parentID, at: now)
            try self.moveHead(db, modelID: modelID, from: parentID, to: id, at: now)
            try self.insertEvent(
                db, kind: "generation_published", modelID: modelID, at: now, detail: Self.detail(published))
            for completion in completions {
                let claim = completion.claim
                let isOfModel = try Bool.fetchOne(
                    db, sql: "SELECT model_id = ? FROM requests WHERE id = ?", arguments: [modelID, claim.id.rawValue])
                guard isOfModel != false else { throw LetheError(.usage, "request \(claim.id) is for another model") }
                try self.transition(
                    db, claim.id, on: .publish, fence: claim.fence, at: now,
                    Changes(generationID: id, changed: true, record: completion.record),
                    detail: Self.detail(published))
                try self.certify(db, claim.id, files: published.files, at: now)
                if let memory = completion.memory { try self.insert(db, memory, of: claim.id, modelID: modelID) }
            }
            return try self.generation(db, id: id)
        }
    }

    /// Compare-and-swap of the head.
    private func moveHead(_ db: Database, modelID: Int64, from old: Int64, to new: Int64, at now: Int64) throws {
        try db.execute(
            sql: "UPDATE models SET head_id = ? WHERE id = ? AND head_id = ?", arguments: [new, modelID, old])
        guard db.changesCount == 1 else { throw LetheError(.conflict, "the head of the model has moved") }
        try db.execute(sql: "UPDATE generations SET superseded_at = ? WHERE id = ?", arguments: [now, old])
        try db.execute(sql: "UPDATE generations SET superseded_at = NULL WHERE id = ?", arguments: [new])
    }

    /// Moves the head back to an earlier generation of its own lineage.
    ///
    /// The requests that were applied since then are no longer in effect: they become `failed` with code
    /// `rolled_back`, their part of the redundancy memory goes, and a later claim of the same model builds on the
    /// earlier generation. The generations that were left stay until they are purged.
    /// - Parameters:
    ///   - number: the generation to serve.
    ///   - expectedHead: the number that the head has to have; nil for any.
    /// - Returns: the new head, and the requests that are no longer in effect.
    /// - Throws: ``LetheError`` with code `not_found` when there is no such model or generation, `invalid_state` when
    ///   the generation is the head, is no ancestor of it or is not kept, `conflict` when the head is not the expected
    ///   one.
    @discardableResult
    public func rollback(_ model: String, to number: Int, expectedHead: Int? = nil) async throws
        -> (head: GenerationRow, reverted: [RequestID])
    {
        let now = now()
        return try await write("rollback") { db in
            let modelID = try self.requireModel(db, model)
            let lineage = try Lineage(db, modelID: modelID)
            let head = try self.model(db, id: modelID).headID
            let old = try self.generation(db, id: head)
            if let expectedHead, expectedHead != old.number {
                throw LetheError(.conflict, "the head of the model is generation \(old.number)")
            }
            guard let target = lineage.nodes.first(where: { $0.number == number }) else {
                throw LetheError(.notFound, "the model has no generation \(number)")
            }
            guard target.id != head, lineage.ancestors(of: head).contains(target.id) else {
                throw LetheError(.invalidState, "generation \(number) is not an earlier one of the head's lineage")
            }
            guard target.state == .kept else {
                throw LetheError(.invalidState, "the files of generation \(number) are not kept any more")
            }
            try self.moveHead(db, modelID: modelID, from: head, to: target.id, at: now)
            let kept = lineage.ancestors(of: target.id)
            var reverted: [RequestID] = []
            for node in lineage.nodes where !kept.contains(node.id) {
                let ids = try String.fetchAll(
                    db, sql: "SELECT id FROM requests WHERE generation_id = ? AND state = 'applied' ORDER BY id",
                    arguments: [node.id])
                for id in try ids.map(self.requestID) {
                    let error = (code: "rolled_back", message: "the head went back to generation \(number)")
                    try self.transition(
                        db, id, on: .rollBack, at: now, Changes(error: error), detail: Self.detail(error))
                    try db.execute(sql: "DELETE FROM memory WHERE request_id = ?", arguments: [id.rawValue])
                    reverted.append(id)
                }
            }
            try self.insertEvent(
                db, kind: "head_moved_back", modelID: modelID, at: now,
                detail: .object(
                    JSONObject([
                        ("from", .integer(Int64(old.number))), ("to", .integer(Int64(number))),
                        ("reverted", .integer(Int64(reverted.count))),
                    ])))
            return (try self.generation(db, id: target.id), reverted)
        }
    }

    // MARK: - Purging

    /// Generations that may be deleted: kept, not the head, and left by the head before `date`.
    /// - Parameter keeping: how many of the latest ones stay nevertheless, for rollbacks.
    public func purgeCandidates(_ model: String, supersededBefore date: Date, keeping: Int = 0) async throws
        -> [GenerationRow]
    {
        let limit = StoreTime.microseconds(date)
        let all = try await generations(model)
        let candidates = all.filter { generation in
            guard generation.state == .kept, !generation.isHead, let superseded = generation.supersededAt else {
                return false
            }
            return StoreTime.microseconds(superseded) < limit
        }
        return candidates.dropLast(max(0, keeping))
    }

    /// Announces the deletion of a generation, so that a crash in the middle of it is continued at the next start.
    /// Nothing is deleted yet; no rollback to it is possible any more.
    /// - Throws: ``LetheError`` with code `not_found`, `invalid_state` when it is the head or already being purged, or
    ///   an evaluation works on copies of it.
    public func beginPurge(_ model: String, number: Int) async throws -> GenerationRow {
        let now = now()
        return try await write("purge") { db in
            let modelID = try self.requireModel(db, model)
            let id = try self.requireGeneration(db, modelID: modelID, number: number)
            let row = try self.generation(db, id: id)
            guard row.state == .kept, !row.isHead else {
                throw LetheError(
                    .invalidState, "generation \(number) is \(row.isHead ? "the head" : row.state.rawValue)")
            }
            guard try !self.isBeingEvaluated(db, generationID: id) else {
                throw LetheError(.invalidState, "generation \(number) is being evaluated")
            }
            try db.execute(sql: "UPDATE generations SET state = 'purging' WHERE id = ?", arguments: [id])
            try self.insertEvent(
                db, kind: "generation_purging", modelID: modelID, at: now,
                detail: .object(JSONObject([("generation", .integer(Int64(number)))])))
            return try self.generation(db, id: id)
        }
    }

    /// Records that a generation's files are gone, and moves every applied request whose content no kept generation
    /// holds any more to `purged`, with a new certificate. Idempotent.
    /// - Returns: the requests that became `purged`.
    /// - Throws: ``LetheError`` with code `not_found`, `invalid_state` when ``beginPurge(_:number:)`` did not come
    ///   first.
    @discardableResult
    public func finishPurge(_ model: String, number: Int) async throws -> [RequestID] {
        let now = now()
        return try await write("purge") { db in
            let modelID = try self.requireModel(db, model)
            let id = try self.requireGeneration(db, modelID: modelID, number: number)
            let row = try self.generation(db, id: id)
            guard row.state != .kept else { throw LetheError(.invalidState, "generation \(number) is kept") }
            if row.state == .purging {
                try db.execute(
                    sql: "UPDATE generations SET state = 'purged', purged_at = ? WHERE id = ?", arguments: [now, id])
                try self.insertEvent(
                    db, kind: "generation_purged", modelID: modelID, at: now,
                    detail: .object(JSONObject([("generation", .integer(Int64(number)))])))
            }
            let lineage = try Lineage(db, modelID: modelID)
            var purged: [RequestID] = []
            for node in lineage.nodes where lineage.holdersOfContent(before: node.id).isEmpty {
                let ids = try String.fetchAll(
                    db, sql: "SELECT id FROM requests WHERE generation_id = ? AND state = 'applied' ORDER BY id",
                    arguments: [node.id])
                for id in try ids.map(self.requestID) {
                    try self.transition(db, id, on: .purge, at: now)
                    try self.certifyPurge(db, id, at: now)
                    purged.append(id)
                }
            }
            return purged
        }
    }

    /// Generations whose deletion was announced and not recorded as done, by model.
    public func unfinishedPurges() async throws -> [(model: String, generation: GenerationRow)] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT m.name, g.id FROM generations g JOIN models m ON m.id = g.model_id
                    WHERE g.state = 'purging' ORDER BY g.id
                    """
            ).map { (model: $0["name"], generation: try self.generation(db, id: $0["id"])) }
        }
    }

    /// The kept generations of a request's model that may still hold its content: those that do not descend from the
    /// generation with which it was applied. Every kept one when it is not applied.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func generationsHolding(_ id: RequestID) async throws -> [GenerationRow] {
        try await read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT model_id, generation_id FROM requests WHERE id = ?", arguments: [id.rawValue])
            guard let row else { throw LetheError(.notFound, "no request has this id") }
            let lineage = try Lineage(db, modelID: row["model_id"])
            let holders = lineage.holdersOfContent(before: row["generation_id"])
            return try holders.map { try self.generation(db, id: $0) }
        }
    }

    private func requireGeneration(_ db: Database, modelID: Int64, number: Int) throws -> Int64 {
        let id = try Int64.fetchOne(
            db, sql: "SELECT id FROM generations WHERE model_id = ? AND number = ?", arguments: [modelID, number])
        guard let id else { throw LetheError(.notFound, "the model has no generation \(number)") }
        return id
    }
}

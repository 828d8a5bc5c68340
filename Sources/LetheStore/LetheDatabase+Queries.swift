import Crypto
import Foundation
import GRDB
import LetheCore

extension LetheDatabase {
    /// One request.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func request(_ id: RequestID) async throws -> RequestRow {
        try await read { try self.requireRow($0, id) }
    }

    /// The text of one request, as it was submitted.
    /// - Throws: ``LetheError`` with code `not_found`, also when the text was destroyed.
    public func requestText(_ id: RequestID) async throws -> ErasureRequest {
        try await read { db in
            let row = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT r.wrapped_key, p.body FROM requests r JOIN payloads p ON p.request_id = r.id
                        WHERE r.id = ?
                        """), arguments: [id.rawValue])
            guard let row, let wrapped = row["wrapped_key"] as Data? else {
                throw LetheError(.notFound, "no text is kept for this request")
            }
            return try self.decrypt(row["body"], wrapped, id)
        }
    }

    /// The request inside an encrypted payload.
    func decrypt(_ payload: Data, _ wrappedKey: Data, _ id: RequestID) throws -> ErasureRequest {
        let key = try cipher.unwrap(wrappedKey, id)
        let plain = try cipher.open(payload, .payload, id, key)
        // It passed the limits of the day when it was accepted; later, tighter ones must not strand it.
        let limits = JSONParser.Limits(maximumBytes: .max, maximumDepth: 64, maximumElements: .max)
        var requestLimits = RequestLimits()
        requestLimits.bodyBytes = .max
        requestLimits.items = .max
        requestLimits.textCharacters = .max
        requestLimits.referenceCharacters = .max
        let json = try JSONParser.parse(plain, limits: limits, context: "stored request")
        return try ErasureRequest(json: json, limits: requestLimits)
    }

    /// A page of requests.
    ///
    /// Pages are keyed by time of creation and id: requests that arrive meanwhile neither repeat nor hide a row.
    /// - Parameters:
    ///   - cursor: ``RequestPage/nextCursor`` of the page before, for the same filter.
    ///   - limit: 1 to 200; clamped.
    /// - Throws: ``LetheError`` with code `bad_data` when the cursor was not made here for this filter.
    public func list(
        _ filter: RequestFilter = RequestFilter(), cursor: String? = nil, limit: Int = 50
    ) async throws -> RequestPage {
        let limit = max(1, min(200, limit))
        let codec = ListCursor(master: cipher.master, filter: filter)
        let position = try cursor.map(codec.decode)
        return try await read { db in
            var conditions: [String] = []
            var arguments: [(any DatabaseValueConvertible)?] = []
            func require(_ condition: String, _ values: (any DatabaseValueConvertible)?...) {
                conditions.append(condition)
                arguments += values
            }
            if let model = filter.model {
                let id = try Int64.fetchOne(db, sql: "SELECT id FROM models WHERE name = ?", arguments: [model])
                guard let id else { return RequestPage(rows: [], nextCursor: nil) }
                require("r.model_id = ?", id)
            }
            if let state = filter.state { require("r.state = ?", state.rawValue) }
            if let kind = filter.kind { require("r.kind = ?", kind.rawValue) }
            if let category = filter.category { require("r.category = ?", category.rawValue) }
            if let reference = filter.reference { require("r.reference_digest = ?", self.referenceDigest(reference)) }
            let isDescending = filter.order == .newestFirst
            if let position {
                require("(r.created_at, r.id) \(isDescending ? "<" : ">") (?, ?)", position.createdAt, position.id)
            }
            let direction = isDescending ? "DESC" : "ASC"
            let statement = try db.cachedStatement(
                sql: """
                    \(Self.requestColumns)
                    \(conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))")
                    ORDER BY r.created_at \(direction), r.id \(direction) LIMIT ?
                    """)
            arguments.append(limit + 1)
            let found = try Row.fetchAll(statement, arguments: StatementArguments(arguments))
            let rows = try found.prefix(limit).map(self.row)
            var next: String?
            if found.count > limit, let last = found.prefix(limit).last {
                next = codec.encode(.init(createdAt: last["created_at"], id: last["id"]))
            }
            return RequestPage(rows: rows, nextCursor: next)
        }
    }

    /// Events of one request, or of everything, in order.
    ///
    /// - Parameters:
    ///   - id: nil for all.
    ///   - sequence: only later ones.
    ///   - limit: 1 to 1,000; clamped.
    /// - Throws: ``LetheError`` with code `not_found` when no request has the id.
    public func events(_ id: RequestID? = nil, after sequence: Int64 = 0, limit: Int = 200) async throws -> [EventRow] {
        let limit = max(1, min(1000, limit))
        return try await read { db in
            let rows: [Row]
            if let id {
                let exists = try Bool.fetchOne(
                    db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM requests WHERE id = ?)"),
                    arguments: [id.rawValue])
                guard exists == true else { throw LetheError(.notFound, "no request has this id") }
                rows = try Row.fetchAll(
                    db.cachedStatement(
                        sql: "SELECT * FROM events WHERE request_id = ? AND sequence > ? ORDER BY sequence LIMIT ?"),
                    arguments: [id.rawValue, sequence, limit])
            } else {
                rows = try Row.fetchAll(
                    db.cachedStatement(sql: "SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?"),
                    arguments: [sequence, limit])
            }
            return try rows.map(self.event)
        }
    }

    /// Announcements that events were committed, each with the latest sequence; a slow listener gets the newest only.
    /// Begin to listen before reading the events that are there.
    public func eventAnnouncements() -> AsyncStream<Int64> { eventFeed.listen() }

    /// When the last event happened; nil before the first.
    public func latestEventTime() async throws -> Date? {
        try await read { db in
            try Int64.fetchOne(db, sql: "SELECT at FROM events ORDER BY sequence DESC LIMIT 1").map(StoreTime.date)
        }
    }

    func event(_ row: Row) throws -> EventRow {
        func state(_ column: String) throws -> RequestState? {
            guard let text = row[column] as String? else { return nil }
            guard let state = RequestState(rawValue: text) else { throw Self.damaged("a state") }
            return state
        }
        return EventRow(
            sequence: row["sequence"], requestID: try (row["request_id"] as String?).map(requestID),
            at: StoreTime.date(row["at"]), kind: row["kind"], from: try state("from_state"),
            to: try state("to_state"), attempt: row["attempt"],
            detail: try (row["detail"] as String?).map {
                try JSONParser.parse(Data($0.utf8), context: "stored event")
            })
    }

    /// Numbers for metrics and readiness.
    public func statistics() async throws -> QueueStatistics {
        var statistics = try await scan { db in
            var statistics = QueueStatistics()
            let counts = """
                SELECT state, kind, sum(amount) AS amount FROM request_counts WHERE amount > 0 GROUP BY state, kind
                """
            for row in try Row.fetchAll(db, sql: counts) {
                guard let state = RequestState(rawValue: row["state"]), let kind = RequestKind(rawValue: row["kind"])
                else { throw Self.damaged("a state") }
                statistics.counts[.init(state: state, kind: kind)] = row["amount"]
            }
            statistics.oldestQueued = try Int64.fetchOne(
                db, sql: "SELECT min(created_at) FROM requests WHERE state = 'queued'"
            ).map(StoreTime.date)
            let due = """
                SELECT kind, min(due_at) AS due FROM requests
                WHERE due_at IS NOT NULL AND finalized_at IS NULL GROUP BY kind
                """
            for row in try Row.fetchAll(db, sql: due) {
                guard let kind = RequestKind(rawValue: row["kind"]) else { throw Self.damaged("a kind") }
                statistics.earliestDue[kind] = StoreTime.date(row["due"])
            }
            statistics.awaitingPurge = statistics.counts.reduce(0) { $0 + ($1.key.state == .applied ? $1.value : 0) }
            return statistics
        }
        statistics.logBytes = logBytes
        statistics.availableBytes = try directory.availableBytes()
        return statistics
    }
}

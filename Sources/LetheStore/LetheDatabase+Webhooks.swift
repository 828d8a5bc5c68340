import Crypto
import Foundation
import GRDB
import LetheCore

/// Webhook endpoints. The events themselves are the outbox: they are written in the transaction of the transition
/// that they tell of, and each endpoint's `cursor` is its place among them.
extension LetheDatabase {
    /// The most endpoints of a store.
    public static let maximumWebhooks = 32

    /// Registers an endpoint, which is sent what happens from now on.
    ///
    /// - Parameters:
    ///   - url: checked by the caller; at most 2,048 bytes.
    ///   - states: the states whose events are sent; at least one.
    ///   - key: the id of the API key that registers it.
    /// - Returns: its row, and its signing secret, which cannot be had again.
    /// - Throws: ``LetheError`` with code `conflict` when there are too many.
    public func createWebhook(
        url: String, states: Set<RequestState>, by key: String? = nil
    ) async throws -> (row: WebhookRow, secret: Sensitive<String>) {
        guard !states.isEmpty, url.utf8.count <= 2048 else { throw LetheError(.badData, "/url: is too long") }
        let id = "wh_\(identifiers.next(at: clock.now()).hexadecimal)"
        let secret = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        let target = JSONValue.object(
            JSONObject([("url", .string(url)), ("secret", .string(secret.base64EncodedString()))]))
        let box = try cipher.sealWebhook(target.serialized(), id)
        let words = RequestState.allCases.filter(states.contains).map(\.rawValue).joined(separator: " ")
        let row = try await write("webhook_created") { db in
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM webhooks") ?? 0
            guard count < Self.maximumWebhooks else {
                throw LetheError(.conflict, "there are \(Self.maximumWebhooks) webhooks already")
            }
            try db.execute(
                sql: """
                    INSERT INTO webhooks (id, target, states, created_at, created_by, state, cursor)
                    VALUES (?, ?, ?, ?, ?, 'active', (SELECT coalesce(max(sequence), 0) FROM events))
                    """, arguments: [id, box, words, self.now(), key])
            let told = RequestState.allCases.filter(states.contains).map { JSONValue.string($0.rawValue) }
            try self.auditWebhook(db, "webhook_created", id, [("states", .array(told))])
            return try self.requireWebhook(db, id)
        }
        webhookFeed.announce()
        return (row, Sensitive("whsec_\(secret.base64EncodedString())"))
    }

    /// All endpoints, oldest first.
    public func webhooks() async throws -> [WebhookRow] {
        try await read { db in try Row.fetchAll(db, sql: "SELECT * FROM webhooks ORDER BY id").map(self.webhook) }
    }

    /// One endpoint.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func webhook(_ id: String) async throws -> WebhookRow {
        try await read { try self.requireWebhook($0, id) }
    }

    /// Forgets an endpoint. A delivery that is under way may still arrive.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func deleteWebhook(_ id: String) async throws {
        try await write("webhook_deleted") { db in
            try db.execute(sql: "DELETE FROM webhooks WHERE id = ?", arguments: [id])
            guard db.changesCount == 1 else { throw LetheError(.notFound, "no webhook has this id") }
            try self.auditWebhook(db, "webhook_deleted", id)
        }
        webhookFeed.announce()
    }

    /// Starts again at the first event that was not delivered; also cuts a wait short.
    /// - Throws: ``LetheError`` with code `not_found`.
    public func enableWebhook(_ id: String) async throws -> WebhookRow {
        let row = try await write("webhook_enabled") { db in
            try db.execute(
                sql: """
                    UPDATE webhooks SET state = 'active', disabled_at = NULL, attempts = 0, next_at = NULL WHERE id = ?
                    """, arguments: [id])
            let row = try self.requireWebhook(db, id)
            try self.auditWebhook(db, "webhook_enabled", id)
            return row
        }
        webhookFeed.announce()
        return row
    }

    /// An entry of the audit log about an endpoint; its address is not told.
    private func auditWebhook(
        _ db: Database, _ action: String, _ id: String, _ more: [(String, JSONValue)] = []
    ) throws {
        try appendAudit(
            db, action: action, at: now(), detail: .object(JSONObject([("webhook_id", .string(id))] + more)))
    }

    // MARK: - Delivery

    /// Announcements that endpoints were added, removed or enabled.
    public func webhookAnnouncements() -> AsyncStream<Int64> { webhookFeed.listen() }

    /// Every active endpoint.
    public func webhookTargets() async throws -> [WebhookTarget] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM webhooks WHERE state = 'active' ORDER BY id").map { row in
                let (url, secret) = try self.target(row)
                return WebhookTarget(
                    id: row["id"], url: url, secret: secret, states: try Self.states(row), cursor: row["cursor"],
                    attempts: row["attempts"], nextAt: (row["next_at"] as Int64?).map(StoreTime.date))
            }
        }
    }

    /// Events of requests that came into one of these states, in order, and how far the search has come.
    public func webhookEvents(
        after sequence: Int64, states: Set<RequestState>, limit: Int
    ) async throws -> (events: [EventRow], scanned: Int64) {
        try await read { db in
            let marks = states.map { _ in "?" }.joined(separator: ", ")
            var arguments: [any DatabaseValueConvertible] = [sequence]
            arguments += states.map(\.rawValue)
            arguments.append(limit)
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT * FROM events
                        WHERE to_state IS NOT NULL AND request_id IS NOT NULL AND sequence > ? AND to_state IN (\(marks))
                        ORDER BY sequence LIMIT ?
                        """), arguments: StatementArguments(arguments))
            let events = try rows.map(self.event)
            if events.count == limit, let last = events.last { return (events, last.sequence) }
            let last = try Int64.fetchOne(db.cachedStatement(sql: "SELECT max(sequence) FROM events"))
            return (events, max(sequence, last ?? 0))
        }
    }

    /// Records that an event was delivered. Nothing happens when the endpoint is gone or was not at this place.
    public func webhookDelivered(_ id: String, from cursor: Int64, sequence: Int64) async throws {
        try await write("webhook_delivered") { db in
            let now = self.now()
            try db.execute(
                sql: """
                    UPDATE webhooks SET cursor = ?, attempts = 0, next_at = NULL, delivered = delivered + 1,
                        last_delivered_at = ?, failure = CASE WHEN state = 'active' THEN NULL ELSE failure END,
                        failure_status = NULL
                    WHERE id = ? AND cursor = ?
                    """, arguments: [sequence, now, id, cursor])
        }
    }

    /// Records that an attempt failed.
    /// - Parameter retryAt: when the next one is due; nil disables the endpoint.
    public func webhookFailed(
        _ id: String, at cursor: Int64, _ failure: WebhookFailure, status: Int?, retryAt: Date?
    ) async throws {
        try await write("webhook_failed") { db in
            try db.execute(
                sql: """
                    UPDATE webhooks SET attempts = attempts + 1, next_at = :retry, failure = :failure,
                        failure_status = :status, state = CASE WHEN :retry IS NULL THEN 'disabled' ELSE state END,
                        disabled_at = CASE WHEN :retry IS NULL THEN :now ELSE disabled_at END
                    WHERE id = :id AND cursor = :cursor AND state = 'active'
                    """,
                arguments: [
                    "retry": retryAt.map(StoreTime.microseconds), "failure": failure.rawValue, "status": status,
                    "now": self.now(), "id": id, "cursor": cursor,
                ])
            guard retryAt == nil, db.changesCount == 1 else { return }
            try self.auditWebhook(db, "webhook_disabled", id, [("failure", .string(failure.rawValue))])
        }
    }

    private func requireWebhook(_ db: Database, _ id: String) throws -> WebhookRow {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM webhooks WHERE id = ?", arguments: [id]) else {
            throw LetheError(.notFound, "no webhook has this id")
        }
        return try webhook(row)
    }

    private func webhook(_ row: Row) throws -> WebhookRow {
        guard let state = WebhookRow.State(rawValue: row["state"]) else { throw Self.damaged("a state") }
        func date(_ column: String) -> Date? { (row[column] as Int64?).map(StoreTime.date) }
        return WebhookRow(
            id: row["id"], url: try target(row).url, states: try Self.states(row),
            createdAt: StoreTime.date(row["created_at"]), createdBy: row["created_by"], state: state,
            cursor: row["cursor"], attempts: row["attempts"], nextAt: date("next_at"), delivered: row["delivered"],
            lastDeliveredAt: date("last_delivered_at"), failure: row["failure"],
            failureStatus: row["failure_status"], disabledAt: date("disabled_at"))
    }

    private func target(_ row: Row) throws -> (url: Sensitive<String>, secret: Sensitive<Data>) {
        let json = try JSONParser.parse(cipher.openWebhook(row["target"], row["id"]), context: "stored webhook")
        guard let url = json["url"]?.stringValue,
            let secret = json["secret"]?.stringValue.flatMap({ Data(base64Encoded: $0) })
        else { throw Self.damaged("a webhook") }
        return (Sensitive(url), Sensitive(secret))
    }

    private static func states(_ row: Row) throws -> Set<RequestState> {
        let words = (row["states"] as String).split(separator: " ")
        let states = Set(words.compactMap { RequestState(rawValue: String($0)) })
        guard states.count == words.count, !states.isEmpty else { throw damaged("a state") }
        return states
    }
}

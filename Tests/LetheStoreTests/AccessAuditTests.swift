import Foundation
import LetheCore
import LetheStore
import Testing

/// What the audit log tells of API keys and webhooks.
@Suite struct AccessAuditTests {
    private let store: StoreFixture

    init() throws { store = try StoreFixture() }

    private func entries() async throws -> [JSONValue] {
        try await store.database.auditTail(1000).filter {
            let action = $0["action"]?.stringValue ?? ""
            return action.hasPrefix("key_") || action.hasPrefix("webhook_")
        }
    }

    @Test func `a key's making and end are told, with who did it, and without its name`() async throws {
        let end = store.clock.now() + 1000
        let (admin, _) = try await store.database.createKey(
            NewAPIKey(name: "Ada's key", scopes: [.admin, .metrics], expiresAt: end), by: .owner)
        let (child, token) = try await AuditActor.$current.withValue(AuditActor(admin.id)) {
            try await store.database.createKey(
                NewAPIKey(name: "second", scopes: [.metrics], expiresAt: nil), by: .key(admin))
        }
        for _ in 0..<2 {
            try await AuditActor.$current.withValue(AuditActor(admin.id)) {
                _ = try await store.database.revokeKey(child.id)
            }
        }
        let entries = try await entries()
        #expect(entries.map { $0["action"]?.stringValue } == ["key_created", "key_created", "key_revoked"])
        #expect(entries.map { $0["actor"]?.stringValue } == ["cli", admin.id, admin.id])
        #expect(entries[0]["detail"]?["key_id"] == .string(admin.id))
        #expect(entries[0]["detail"]?["expires_at"] == .string(Timestamp.string(end)))
        #expect(entries[0]["detail"]?["created_by"] == nil)
        #expect(entries[1]["detail"]?["scopes"] == ["metrics"])
        #expect(entries[1]["detail"]?["created_by"] == .string(admin.id))
        #expect(entries[2]["detail"]?["key_id"] == .string(child.id))
        let text = entries.map { $0.serializedString() }.joined()
        #expect(!text.contains("Ada") && !text.contains("second"))
        #expect(!text.contains(token.text.reveal().dropFirst(23).prefix(20)))
        try store.reopen()
        let report = try await store.database.verifyAudit()
        #expect(report.signedEntries == report.entries)
    }

    @Test func `what is refused is not told`() async throws {
        let (admin, _) = try await store.database.createKey(
            NewAPIKey(name: "a", scopes: [.metrics], expiresAt: nil), by: .owner)
        let code = await errorCode {
            _ = try await store.database.createKey(
                NewAPIKey(name: "b", scopes: [.admin], expiresAt: nil), by: .key(admin))
        }
        #expect(code == .forbidden)
        #expect(await errorCode { try await store.database.revokeKey("0000000000000000") } == .notFound)
        #expect(await errorCode { try await store.database.deleteWebhook("wh_x") } == .notFound)
        #expect(try await entries().count == 1)
    }

    @Test func `a commit that fails leaves neither a key nor an entry`() async throws {
        try store.reopen(failPoints: FailPoints("key_created.before_commit:error"))
        let code = await errorCode {
            _ = try await store.database.createKey(
                NewAPIKey(name: "a", scopes: [.metrics], expiresAt: nil), by: .owner)
        }
        #expect(code == .ioError)
        try store.reopen()
        #expect(store.database.keys().isEmpty)
        #expect(try await entries().isEmpty)
    }

    @Test func `a webhook's life is told, and its address is not`() async throws {
        let (row, _) = try await store.database.createWebhook(
            url: "https://hooks.example.org/secret-path", states: [.applied, .failed])
        try await store.database.webhookFailed(
            row.id, at: row.cursor, WebhookFailure(rawValue: "gone") ?? .status, status: 410, retryAt: nil)
        _ = try await store.database.enableWebhook(row.id)
        try await store.database.deleteWebhook(row.id)
        let entries = try await entries()
        #expect(
            entries.map { $0["action"]?.stringValue } == [
                "webhook_created", "webhook_disabled", "webhook_enabled", "webhook_deleted",
            ])
        for entry in entries { #expect(entry["detail"]?["webhook_id"] == .string(row.id)) }
        #expect(entries[0]["detail"]?["states"] == ["applied", "failed"])
        #expect(!entries.map { $0.serializedString() }.joined().contains("example"))
    }
}

import Foundation
import LetheCore

extension DaemonClient {
    /// All API keys, without their secrets.
    public func keys() async throws -> JSONValue { try await call(.get, "/v1/keys") }

    /// Makes an API key; its text is the member `key` of the answer, and nowhere else.
    public func createKey(name: String, scopes: [String], expiresAt: String?) async throws -> JSONValue {
        var body = JSONObject([("name", .string(name)), ("scopes", .array(scopes.map { .string($0) }))])
        if let expiresAt { body["expires_at"] = .string(expiresAt) }
        return try await send("/v1/keys", .object(body))
    }

    /// Revokes an API key.
    public func revokeKey(_ id: String) async throws {
        _ = try await call(.delete, "/v1/keys/\(try Self.plain(id))")
    }

    /// All webhooks.
    public func webhooks() async throws -> JSONValue { try await call(.get, "/v1/webhooks") }

    /// Registers a webhook; its secret is the member `secret` of the answer, and nowhere else.
    public func createWebhook(url: String, states: [String]?) async throws -> JSONValue {
        var body = JSONObject([("url", .string(url))])
        if let states { body["states"] = .array(states.map { .string($0) }) }
        return try await send("/v1/webhooks", .object(body))
    }

    /// Forgets a webhook.
    public func deleteWebhook(_ id: String) async throws {
        _ = try await call(.delete, "/v1/webhooks/\(try Self.plain(id))")
    }

    /// Starts a webhook's deliveries again.
    public func enableWebhook(_ id: String) async throws -> JSONValue {
        try await call(.post, "/v1/webhooks/\(try Self.plain(id))/enable")
    }

    private func send(_ path: String, _ body: JSONValue) async throws -> JSONValue {
        try await call(.post, path, headers: [("Content-Type", "application/json")], body: body.serialized())
    }

    /// - Throws: `notFound` for what is no id, so that nothing else can get into a path.
    private static func plain(_ id: String) throws -> String {
        let isPlain =
            (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "_") }
        guard isPlain else { throw LetheError(.notFound, "nothing has this id") }
        return id
    }
}

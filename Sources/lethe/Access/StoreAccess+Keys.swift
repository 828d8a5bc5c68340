import Foundation
import LetheCore
import LetheService
import LetheStore

/// Keys and webhooks, on the data directory itself or through the daemon that holds it.
extension StoreAccess {
    /// All API keys.
    func keys() async throws -> JSONValue {
        switch self {
        case .offline(let database, _): .object(JSONObject([("data", .array(database.keys().map(\.json)))]))
        case .online(let client, _): try await client.keys()
        }
    }

    /// Makes an API key; the member `key` is its text.
    func createKey(_ new: NewAPIKey) async throws -> JSONValue {
        switch self {
        case .offline(let database, _):
            let (row, token) = try await database.createKey(new, by: .owner)
            try database.close()
            var object = row.json.objectValue ?? JSONObject()
            object["key"] = .string(token.text.reveal())
            return .object(object)
        case .online(let client, _):
            let words = AccessScope.allCases.filter(new.scopes.contains).map(\.rawValue)
            return try await client.createKey(
                name: new.name, scopes: words, expiresAt: new.expiresAt.map(Timestamp.string))
        }
    }

    /// Revokes an API key.
    /// - Throws: `not_found`.
    func revokeKey(_ id: String) async throws {
        switch self {
        case .offline(let database, _):
            _ = try await database.revokeKey(id)
            try database.close()
        case .online(let client, _): try await client.revokeKey(id)
        }
    }

    /// All webhooks.
    func webhooks() async throws -> JSONValue {
        switch self {
        case .offline(let database, _):
            .object(JSONObject([("data", .array(try await database.webhooks().map(\.json)))]))
        case .online(let client, _): try await client.webhooks()
        }
    }

    /// Registers a webhook; the member `secret` is its signing secret.
    func createWebhook(url: String, states: [String]?, policy: WebhookPolicy) async throws -> JSONValue {
        switch self {
        case .offline(let database, _):
            let new = try NewWebhook(url: url, states: states, policy: policy)
            let (row, secret) = try await database.createWebhook(url: new.url, states: new.states)
            try database.close()
            var object = row.json.objectValue ?? JSONObject()
            object["secret"] = .string(secret.reveal())
            return .object(object)
        case .online(let client, _): return try await client.createWebhook(url: url, states: states)
        }
    }

    /// Forgets a webhook.
    /// - Throws: `not_found`.
    func deleteWebhook(_ id: String) async throws {
        switch self {
        case .offline(let database, _):
            try await database.deleteWebhook(id)
            try database.close()
        case .online(let client, _): try await client.deleteWebhook(id)
        }
    }

    /// Starts a webhook's deliveries again.
    /// - Throws: `not_found`.
    func enableWebhook(_ id: String) async throws -> JSONValue {
        switch self {
        case .offline(let database, _):
            let row = try await database.enableWebhook(id)
            try database.close()
            return row.json
        case .online(let client, _): return try await client.enableWebhook(id)
        }
    }
}

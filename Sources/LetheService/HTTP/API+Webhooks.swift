import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore

extension API {
    var webhookOperations: [Operation] {
        [
            Operation(.post, "/v1/webhooks", createWebhook),
            Operation(.get, "/v1/webhooks") { request, _ in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                return .json(["data": .array(try await database.webhooks().map(\.json))])
            },
            Operation(.get, "/v1/webhooks/{id}") { request, context in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                return .json(try await database.webhook(webhookID(context)).json)
            },
            Operation(.delete, "/v1/webhooks/{id}") { request, context in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                try await request.requireNoBody(limits: limits)
                try await database.deleteWebhook(webhookID(context))
                return Response(status: .noContent)
            },
            Operation(.post, "/v1/webhooks/{id}/enable") { request, context in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                try await request.requireNoBody(limits: limits)
                return .json(try await database.enableWebhook(webhookID(context)).json)
            },
        ]
    }

    /// Registers an endpoint. The answer is the only place where its secret ever appears.
    @Sendable private func createWebhook(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        let (json, _) = try await request.jsonBody(limits: limits)
        let new = try await Problem.validating { try NewWebhook(json: json, policy: configuration.webhooks) }
        let (row, secret) = try await database.createWebhook(
            url: new.url, states: new.states, by: context.caller.keyID)
        var object = row.json.objectValue ?? JSONObject()
        object["secret"] = .string(secret.reveal())
        return .json(.object(object), status: .created, headers: [.location: "/v1/webhooks/\(row.id)"])
    }

    /// The endpoint that the path names.
    /// - Throws: `not_found`, for a malformed id too.
    private func webhookID(_ context: APIContext) throws -> String {
        guard let id = context.parameters.get("id"), WebhookRow.isID(id) else {
            throw LetheError(.notFound, "no webhook has this id")
        }
        return id
    }
}

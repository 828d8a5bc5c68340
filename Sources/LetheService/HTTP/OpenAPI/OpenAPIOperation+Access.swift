import HTTPTypes
import LetheCore

/// The security of operations, and the operations on keys and webhooks.
extension OpenAPIOperation {
    /// What the operation asks of its caller, from the table that the router enforces.
    var access: RouteAccess? {
        HTTPRequest.Method(method.uppercased()).flatMap { RouteTable.access($0, template) }
    }

    /// The `security` member of the operation.
    var security: JSONValue {
        switch access {
        case .open: []
        case .scope(let scope): [["apiKey": [.string(scope.rawValue)]]]
        case nil: [["apiKey": []]]
        }
    }

    /// The answers of the layer before the operation.
    var accessProblems: [(status: Int, json: JSONValue)] {
        guard access != .open else { return [] }
        return [
            (
                401,
                Self.problem(
                    "No API key, or none that is valid.",
                    headers: JSONObject([("WWW-Authenticate", Self.header("`Bearer`, with the error."))]))
            ),
            (403, Self.problem("The key does not have the scope.")),
        ]
    }

    static var keys: [OpenAPIOperation] {
        let created = answer("The key. Its text is shown only here.", OpenAPISchemas.reference("NewKey"))
        return [
            OpenAPIOperation(
                template: "/v1/keys", method: "post", id: "createKey", tag: "access", summary: "Make an API key",
                description: """
                    A key can only give scopes that it has itself, to keys that end no later than it does. While there \
                    are no keys, everybody on the daemon's machine can make the first one; from then on every call \
                    needs a key.
                    """,
                body: [
                    "required": true,
                    "content": ["application/json": ["schema": OpenAPISchemas.reference("KeyCreation")]],
                ],
                responses: [(201, created)], problems: [400, 409, 413, 415, 422]),
            OpenAPIOperation(
                template: "/v1/keys", method: "get", id: "listKeys", tag: "access",
                summary: "List the API keys, revoked ones among them",
                responses: [(200, answer("All keys, without their secrets.", OpenAPISchemas.reference("KeyList")))],
                problems: [400]),
            OpenAPIOperation(
                template: "/v1/keys/{id}", method: "delete", id: "revokeKey", tag: "access",
                summary: "Revoke an API key",
                description: """
                    Holds at once, and for good. Repeating it changes nothing. A key does not revoke itself (409).
                    """,
                parameters: ["KeyID"], responses: [(204, ["description": "It is revoked."])],
                problems: [400, 404, 409, 413]),
        ]
    }

    static var webhooks: [OpenAPIOperation] {
        let webhook = OpenAPISchemas.reference("Webhook")
        var created =
            answer(
                "The webhook. Its secret is shown only here.", OpenAPISchemas.reference("NewWebhook"),
                headers: JSONObject([("Location", header("The address of the webhook."))])
            ).objectValue ?? JSONObject()
        var links = JSONObject()
        for name in ["showWebhook", "enableWebhook", "deleteWebhook"] {
            links[name] = ["operationId": .string(name), "parameters": ["id": "$response.body#/id"]]
        }
        created["links"] = .object(links)
        return [
            OpenAPIOperation(
                template: "/v1/webhooks", method: "post", id: "createWebhook", tag: "access",
                summary: "Register a webhook",
                description: """
                    Events from now on are sent to it at least once and in order, signed as Standard Webhooks 1.0 \
                    describes. They hold ids, states and times.
                    """,
                body: [
                    "required": true,
                    "content": ["application/json": ["schema": OpenAPISchemas.reference("WebhookCreation")]],
                ],
                responses: [(201, .object(created))], problems: [400, 409, 413, 415, 422]),
            OpenAPIOperation(
                template: "/v1/webhooks", method: "get", id: "listWebhooks", tag: "access",
                summary: "List the webhooks and how their deliveries stand",
                responses: [(200, answer("All webhooks.", OpenAPISchemas.reference("WebhookList")))],
                problems: [400]),
            OpenAPIOperation(
                template: "/v1/webhooks/{id}", method: "get", id: "showWebhook", tag: "access",
                summary: "Show one webhook", parameters: ["WebhookID"],
                responses: [(200, answer("The webhook.", webhook))], problems: [400, 404]),
            OpenAPIOperation(
                template: "/v1/webhooks/{id}", method: "delete", id: "deleteWebhook", tag: "access",
                summary: "Forget a webhook", parameters: ["WebhookID"],
                responses: [(204, ["description": "It is forgotten."])], problems: [400, 404, 413]),
            OpenAPIOperation(
                template: "/v1/webhooks/{id}/enable", method: "post", id: "enableWebhook", tag: "access",
                summary: "Start deliveries again at the first event that was not delivered",
                parameters: ["WebhookID"], responses: [(200, answer("The webhook.", webhook))],
                problems: [400, 404, 413]),
        ]
    }
}

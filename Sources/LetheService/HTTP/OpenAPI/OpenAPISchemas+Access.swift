import LetheCore
import LetheStore

/// The schemas and parameters of keys and webhooks.
extension OpenAPISchemas {
    static var accessSchemas: [(String, JSONValue)] {
        [
            ("Key", key), ("NewKey", with(key, "key", keyText)), ("KeyCreation", keyCreation),
            ("KeyList", list(of: "Key")), ("Webhook", webhook), ("NewWebhook", with(webhook, "secret", secret)),
            ("WebhookCreation", webhookCreation), ("WebhookList", list(of: "Webhook")),
        ]
    }

    static var accessParameters: [(String, JSONValue)] {
        [
            ("KeyID", parameter("id", "path", keyID, "The key's id.")),
            ("WebhookID", parameter("id", "path", webhookID, "The webhook's id.")),
        ]
    }

    /// The scheme that `security` refers to.
    static let securitySchemes: JSONValue = [
        "apiKey": [
            "type": "http", "scheme": "bearer", "bearerFormat": "lethe_<id>_<secret>_<checksum>",
            "description": """
            An API key from `lethe keys create` or `POST /v1/keys`. The words beside it are the scopes that the key \
            needs. While the store has no keys, a daemon on loopback answers without one, unless it was started \
            with `--require-keys`.
            """,
        ]
    ]

    private static let keyID: JSONValue = ["type": "string", "pattern": "^[0-9a-f]{16}$"]
    private static let optionalKeyID: JSONValue = ["type": ["string", "null"], "pattern": "^[0-9a-f]{16}$"]
    private static let webhookID: JSONValue = [
        "type": "string", "pattern": "^wh_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$",
    ]
    private static let keyText: JSONValue = ["type": "string", "pattern": .string("^\(APIKeyToken.pattern)$")]
    private static let secret: JSONValue = ["type": "string", "pattern": "^whsec_[A-Za-z0-9+/]{43}=$"]

    private static var key: JSONValue {
        answerObject([
            ("id", keyID), ("name", ["type": "string"]),
            ("scopes", ["type": "array", "items": words(AccessScope.self)]),
            ("created_at", time),
            ("created_by", described(optionalKeyID, "The key that made it; null for one made on the data directory.")),
            ("expires_at", optionalTime), ("revoked_at", optionalTime),
            ("last_used_at", described(optionalTime, "To the hour.")),
        ])
    }

    private static var keyCreation: JSONValue {
        object(
            [
                (
                    "name",
                    [
                        "type": "string", "minLength": 1, "maxLength": .integer(Int64(NewAPIKey.nameLength)),
                        "pattern": "^[!-~]([ -~]*[!-~])?$", "description": "What it is for. No personal data.",
                    ]
                ),
                (
                    "scopes",
                    [
                        "type": "array", "minItems": 1, "uniqueItems": true, "items": words(AccessScope.self),
                        "description": "What it allows. None contains another.",
                    ]
                ),
                ("expires_at", described(time, "When it stops working; never unless given. Not in the past.")),
            ], required: ["name", "scopes"])
    }

    private static var webhook: JSONValue {
        answerObject([
            ("id", webhookID), ("url", ["type": "string"]),
            ("states", ["type": "array", "items": words(RequestState.self)]),
            ("state", described(words(WebhookRow.State.self), "`disabled` after too many failures, or a 410.")),
            ("created_at", time), ("created_by", optionalKeyID), ("delivered", count),
            ("last_delivered_at", optionalTime), ("failed_attempts", count), ("next_attempt_at", optionalTime),
            (
                "failure",
                [
                    "type": ["string", "null"],
                    "enum": .array(WebhookFailure.allCases.map { .string($0.rawValue) } + [.null]),
                    "description": "Why the last attempt failed.",
                ]
            ),
            ("failure_status", nullable("integer")), ("disabled_at", optionalTime),
        ])
    }

    private static var webhookCreation: JSONValue {
        object(
            [
                (
                    "url",
                    [
                        "type": "string", "minLength": 1, "maxLength": 2048,
                        "description": "A public https address on port 443 or 8443.",
                    ]
                ),
                (
                    "states",
                    [
                        "type": "array", "minItems": 1, "uniqueItems": true, "items": words(RequestState.self),
                        "description": "The states whose events are sent; all unless given.",
                    ]
                ),
            ], required: ["url"])
    }

    private static func with(_ schema: JSONValue, _ name: String, _ property: JSONValue) -> JSONValue {
        var object = schema.objectValue ?? JSONObject()
        var properties = object["properties"]?.objectValue ?? JSONObject()
        properties[name] = property
        object["properties"] = .object(properties)
        object["required"] = .array((object["required"]?.arrayValue ?? []) + [.string(name)])
        return .object(object)
    }
}

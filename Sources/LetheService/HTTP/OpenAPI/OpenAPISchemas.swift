import LetheCore

/// The schemas and parameters that the operations refer to.
enum OpenAPISchemas {
    static func reference(_ name: String) -> JSONValue {
        .object(JSONObject([("$ref", .string("#/components/schemas/\(name)"))]))
    }

    static func json(limits: HTTPLimits) -> JSONValue {
        let own: JSONValue = [
            "Submission": submission, "Item": item, "Options": options, "Request": request,
            "RequestPage": page(of: "Request", cursor: true), "Event": event,
            "EventPage": page(of: "Event", cursor: false),
            "Generation": generation, "GenerationList": list(of: "Generation"), "Model": model,
            "ModelList": list(of: "Model"), "Rollback": rollback, "Health": health, "Version": version,
            "CompletionRequest": completionRequest, "Completion": completion,
            "SignedEnvelope": signedEnvelope, "SigningKeys": signingKeys, "Problem": problem,
            "RequestPlan": requestPlan,
        ]
        return merged(own, accessSchemas + evaluationSchemas)
    }

    static func parameters(limits: HTTPLimits) -> JSONValue {
        let own: JSONValue = [
            "RequestID": parameter("id", "path", requestID, "The request's id."),
            "ModelName": parameter("name", "path", modelName, "The model's name."),
            "IdempotencyKey": parameter(
                "Idempotency-Key", "header",
                [
                    "type": "string", "minLength": 1, "maxLength": .integer(Int64(limits.idempotencyKeyLength)),
                    "pattern": "^[A-Za-z0-9_-]+$",
                ],
                "Makes repeating a submission safe: the same key with the same body gives the first answer again.",
                required: true),
            "DryRun": parameter(
                "dry_run", "query", ["type": "boolean", "default": false],
                "Whether to say only what the request would do; the idempotency key is then not used up."),
            "State": parameter("state", "query", words(RequestState.self), "Only requests in this state."),
            "Category": parameter("category", "query", words(RequestCategory.self), "Only requests of this category."),
            "Model": parameter("model", "query", modelName, "Only requests for this model."),
            "Limit": parameter(
                "limit", "query",
                [
                    "type": "integer", "minimum": 1, "maximum": .integer(Int64(limits.maximumPageSize)),
                    "default": .integer(Int64(limits.defaultPageSize)),
                ],
                "The most entries of the page."),
            "Cursor": parameter(
                "cursor", "query", ["type": "string", "minLength": 1, "maxLength": 512],
                "`next_cursor` of the page before, with the same filters."),
            "After": parameter(
                "after", "query", ["type": "integer", "minimum": 0, "maximum": .integer(Int64.max)],
                "Only events with a larger sequence."),
            "LastEventID": parameter(
                "Last-Event-ID", "header", ["type": "string", "pattern": "^(0|[1-9][0-9]{0,17})$"],
                "For streams: only events with a larger sequence. Takes precedence over `after`."),
            "IfNoneMatch": parameter("If-None-Match", "header", ["type": "string"], "Entity tags the caller has."),
            "IfMatch": parameter("If-Match", "header", ["type": "string"], "The entity tag the caller has seen."),
        ]
        return merged(own, accessParameters + evaluationParameters)
    }

    private static func merged(_ own: JSONValue, _ others: [(String, JSONValue)]) -> JSONValue {
        var object = own.objectValue ?? JSONObject()
        for (name, json) in others { object[name] = json }
        return .object(object)
    }

    // MARK: - Objects

    private static var submission: JSONValue {
        let bounds = RequestLimits.default
        let items: JSONValue = [
            "type": "array", "maxItems": .integer(Int64(bounds.items)), "items": reference("Item"),
        ]
        var needed = items.objectValue ?? JSONObject()
        needed["minItems"] = 1
        return object(
            [
                ("kind", described(words(RequestKind.self), "What is done with the items; `erase` by default.")),
                ("category", words(RequestCategory.self)),
                (
                    "reference",
                    described(
                        text(bounds.referenceCharacters),
                        "The caller's name for the case. Stored encrypted, shown in answers.")
                ),
                ("items", described(.object(needed), "What has to be forgotten.")),
                ("keep", described(items, "Texts whose behaviour should stay as it is.")),
                ("options", reference("Options")),
                (
                    "priority",
                    ["type": "integer", "minimum": -100, "maximum": 100, "description": "Larger is sooner."]
                ),
                ("due_at", described(time, "When the request has to be applied.")),
                ("model", described(modelName, "The model; may be left out when there is only one.")),
            ], required: ["category", "items"])
    }

    private static var item: JSONValue {
        let limit = RequestLimits.default.textCharacters
        func field(_ description: String) -> JSONValue {
            .object(
                JSONObject([
                    ("type", "string"), ("minLength", 1), ("maxLength", .integer(Int64(limit))),
                    ("description", .string("\(description) At most \(limit) characters.")),
                ]))
        }
        return [
            "description": "A text, or a prompt with its completion.",
            "oneOf": [
                object([("text", field("Every token counts."))], required: ["text"]),
                object(
                    [("prompt", field("Context.")), ("completion", field("What counts."))],
                    required: ["prompt", "completion"]),
            ],
        ]
    }

    private static var options: JSONValue {
        func integer(_ bounds: ClosedRange<Int>, _ description: String) -> JSONValue {
            [
                "type": "integer", "minimum": .integer(Int64(bounds.lowerBound)),
                "maximum": .integer(Int64(bounds.upperBound)), "description": .string(description),
            ]
        }
        func number(_ bounds: ClosedRange<Double>, _ description: String) -> JSONValue {
            [
                "type": "number", "minimum": .number(bounds.lowerBound), "maximum": .number(bounds.upperBound),
                "description": .string(description),
            ]
        }
        typealias Bounds = RequestOptions.Bounds
        return object([
            ("method", described(text(32), "`fit`, or the name of one objective.")),
            (
                "reweighting",
                described(
                    text(32),
                    "`none`; `simsat`, `simimp` or `satimp`, each also with `-instance` or `-group`; "
                        + "`top-k` or `bottom-k`.")
            ),
            ("preset", described(text(32), "`lethe` or `published`.")),
            ("layers", integer(Bounds.layers, "How many decoder layers are trained.")),
            ("targeting", described(text(32), "`exact`, `contrast`, `gradient` or `middle`.")),
            ("keep_term", described(text(32), "`none`, `gd`, `kl`, `kl-published`, `rmu` or `pdu`.")),
            ("keep_weight", number(Bounds.keepWeight, "Weight of the keep term.")),
            ("learning_rate", number(Bounds.learningRate, "Peak learning rate of AdamW, which this chooses.")),
            ("epochs", integer(Bounds.epochs, "Passes over the items, or the most of them.")),
            ("seed", integer(Bounds.seed, "Seed of every random choice.")),
        ])
    }

    private static var request: JSONValue {
        answerObject([
            ("id", requestID), ("state", words(RequestState.self)), ("kind", words(RequestKind.self)),
            ("category", words(RequestCategory.self)),
            ("reference", described(nullable("string"), "Null when none was given, or when the text was destroyed.")),
            ("model", modelName), ("priority", ["type": "integer"]), ("due_at", optionalTime),
            ("item_count", count), ("keep_count", count),
            ("options", described(nullable("object"), "Null when the text was destroyed.")),
            ("attempt", described(count, "How often a worker took it.")), ("created_at", time), ("updated_at", time),
            ("started_at", optionalTime), ("finalized_at", optionalTime), ("purged_at", optionalTime),
            ("retry_at", optionalTime),
            ("generation", described(nullable("integer"), "The head generation with which it was applied.")),
            (
                "changed",
                described(
                    nullable("boolean"),
                    "Whether that generation was made for it; false when nothing was left to forget.")
            ),
            (
                "error",
                [
                    "type": ["object", "null"],
                    "properties": ["code": ["type": "string"], "message": ["type": "string"]],
                    "required": ["code", "message"],
                ]
            ),
            ("record", described(nullable("object"), "What the update did and measured.")),
            ("text_destroyed_at", optionalTime),
        ])
    }

    private static var event: JSONValue {
        answerObject([
            ("sequence", ["type": "integer", "minimum": 1]), ("request_id", nullable("string")), ("at", time),
            ("kind", ["type": "string", "pattern": "^[a-z_]{1,32}$"]), ("from", nullable("string")),
            ("to", nullable("string")), ("attempt", nullable("integer")), ("detail", nullable("object")),
        ])
    }

    private static var generation: JSONValue {
        answerObject([
            ("number", count), ("parent", nullable("integer")),
            ("state", ["type": "string", "enum": ["kept", "purging", "purged"]]), ("is_head", ["type": "boolean"]),
            ("manifest_sha256", ["type": "string", "pattern": "^[0-9a-f]{64}$"]), ("bytes", count),
            ("created_at", time), ("superseded_at", optionalTime), ("purged_at", optionalTime),
            ("request_ids", ["type": "array", "items": requestID]),
        ])
    }

    private static var model: JSONValue {
        answerObject([
            ("name", modelName), ("created_at", time), ("head", reference("Generation")), ("kept_generations", count),
            ("open_requests", count),
        ])
    }

    private static var rollback: JSONValue {
        object(
            [("generation", ["type": "integer", "minimum": 0, "maximum": .integer(Int64(Int32.max))])],
            required: ["generation"])
    }

    private static var health: JSONValue {
        answerObject([("status", ["type": "string", "enum": ["ok", "ready"]])])
    }

    private static var version: JSONValue {
        answerObject([("name", ["type": "string"]), ("version", ["type": "string"]), ("sqlite", ["type": "string"])])
    }

    private static var signedEnvelope: JSONValue {
        let text: JSONValue = ["type": "string", "contentEncoding": "base64"]
        return object(
            [
                ("payload", text), ("payloadType", ["type": "string"]),
                (
                    "signatures",
                    [
                        "type": "array", "minItems": 1, "maxItems": 1,
                        "items": object(
                            [("keyid", ["type": "string", "pattern": "^[0-9a-f]{16}$"]), ("sig", text)],
                            required: ["keyid", "sig"]),
                    ]
                ),
            ], required: ["payload", "payloadType", "signatures"])
    }

    private static var signingKeys: JSONValue {
        let key = answerObject([
            ("kty", ["type": "string", "enum": ["OKP"]]), ("crv", ["type": "string", "enum": ["Ed25519"]]),
            ("x", described(["type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"], "The key's 32 bytes.")),
            ("kid", described(["type": "string", "pattern": "^[0-9a-f]{16}$"], "From the SHA-256 of the key.")),
            ("use", ["type": "string"]), ("alg", ["type": "string"]),
            ("current", described(["type": "boolean"], "Whether new documents are signed with it.")),
            ("added_at", time),
        ])
        return answerObject([("keys", ["type": "array", "items": key])])
    }

    private static var problem: JSONValue {
        var schema =
            answerObject([
                ("type", ["type": "string"]), ("title", ["type": "string"]),
                ("status", ["type": "integer", "minimum": 400, "maximum": 599]),
                ("code", described(["type": "string"], "Stable and machine-readable.")), ("detail", ["type": "string"]),
                ("request_id", ["type": "string"]),
            ]).objectValue ?? JSONObject()
        var properties = schema["properties"]?.objectValue ?? JSONObject()
        properties["errors"] = [
            "type": "array",
            "items": object(
                [
                    ("pointer", described(["type": "string"], "RFC 6901 pointer into the body.")),
                    ("detail", ["type": "string"]),
                ], required: ["pointer", "detail"]),
        ]
        properties["state"] = described(
            ["type": "string"], "The state of the request or evaluation that forbade the transition.")
        schema["properties"] = .object(properties)
        return .object(schema)
    }

    // MARK: - Building blocks

    static let time: JSONValue = ["type": "string", "format": "date-time"]
    static let optionalTime: JSONValue = ["type": ["string", "null"], "format": "date-time"]
    static let count: JSONValue = ["type": "integer", "minimum": 0]
    static let requestID: JSONValue = [
        "type": "string", "pattern": "^req_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$",
    ]
    static let modelName: JSONValue = ["type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"]

    static func nullable(_ type: String) -> JSONValue { ["type": [.string(type), "null"]] }

    static func text(_ maximumCharacters: Int) -> JSONValue {
        ["type": "string", "maxLength": .integer(Int64(maximumCharacters))]
    }

    static func words<Word: RawRepresentable & CaseIterable>(_: Word.Type) -> JSONValue
    where Word.RawValue == String {
        ["type": "string", "enum": .array(Word.allCases.map { .string($0.rawValue) })]
    }

    static func described(_ schema: JSONValue, _ description: String) -> JSONValue {
        var object = schema.objectValue ?? JSONObject()
        object["description"] = .string(description)
        return .object(object)
    }

    /// A closed object, as callers have to send it.
    static func object(_ properties: [(String, JSONValue)], required: [String] = []) -> JSONValue {
        var schema = JSONObject()
        schema["type"] = "object"
        schema["properties"] = .object(JSONObject(properties))
        if !required.isEmpty { schema["required"] = .array(required.map { .string($0) }) }
        schema["additionalProperties"] = false
        return .object(schema)
    }

    /// An object of an answer: every property is there, and later versions may add more.
    static func answerObject(_ properties: [(String, JSONValue)]) -> JSONValue {
        var schema = JSONObject()
        schema["type"] = "object"
        schema["properties"] = .object(JSONObject(properties))
        schema["required"] = .array(properties.map { .string($0.0) })
        return .object(schema)
    }

    static func list(of name: String) -> JSONValue {
        answerObject([("data", ["type": "array", "items": reference(name)])])
    }

    static func page(of name: String, cursor: Bool) -> JSONValue {
        let data: (String, JSONValue) = ("data", ["type": "array", "items": reference(name)])
        if cursor {
            return answerObject([data, ("next_cursor", described(nullable("string"), "Null on the last page."))])
        }
        return answerObject([
            data, ("has_more", described(["type": "boolean"], "Whether events after the last one of this page exist.")),
        ])
    }

    static func parameter(
        _ name: String, _ place: String, _ schema: JSONValue, _ description: String, required: Bool = false
    ) -> JSONValue {
        [
            "name": .string(name), "in": .string(place), "required": .bool(required || place == "path"),
            "description": .string(description), "schema": schema,
        ]
    }
}

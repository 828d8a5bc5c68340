import LetheCore

/// One operation of the description.
struct OpenAPIOperation {
    /// The path template, with captures as `{name}`.
    let template: String
    /// In lower case, as the document writes it.
    let method: String
    let id: String
    let tag: String
    let summary: String
    var description: String?
    var parameters: [String] = []
    var body: JSONValue?
    /// Status and answer, the good ones first.
    var responses: [(status: Int, json: JSONValue)]
    /// Errors that the operation itself can answer with.
    var problems: [Int] = []

    var json: JSONValue {
        var object = JSONObject()
        object["operationId"] = .string(id)
        object["tags"] = [.string(tag)]
        object["summary"] = .string(summary)
        object["security"] = security
        if let description { object["description"] = .string(description) }
        if !parameters.isEmpty {
            object["parameters"] = .array(
                parameters.map { .object(JSONObject([("$ref", .string("#/components/parameters/\($0)"))])) })
        }
        if let body { object["requestBody"] = body }
        var answers = JSONObject()
        for (status, json) in responses { answers[String(status)] = json }
        for (status, json) in accessProblems { answers[String(status)] = json }
        for status in Set(problems + (access == .open ? [] : [429])).sorted() {
            answers[String(status)] = Self.problem(Self.meaning[status] ?? "An error.")
        }
        answers["default"] = Self.problem("Any other error.")
        object["responses"] = .object(answers)
        return .object(object)
    }

    private static let meaning: [Int: String] = [
        400: "A parameter, a header or the JSON itself is malformed.",
        404: "There is no such thing.",
        409: "The state does not allow it; `state` says which it is.",
        412: "`If-Match` does not hold.",
        413: "The body is too large.",
        415: "The body is not `application/json`.",
        422: "The body is JSON but not valid, or the idempotency key was used with another body.",
        429: "Too many requests, too many open event streams, or a full queue; `Retry-After` says when to come again.",
        503: "Not ready, or not possible now; `Retry-After` says when to come again.",
        507: "The disk is full.",
    ]

    static func problem(_ description: String, headers: JSONObject? = nil) -> JSONValue {
        var object = JSONObject()
        object["description"] = .string(description)
        if let headers { object["headers"] = .object(headers) }
        object["content"] = ["application/problem+json": ["schema": OpenAPISchemas.reference("Problem")]]
        return .object(object)
    }

    /// An answer with a JSON body.
    static func answer(_ description: String, _ schema: JSONValue, headers: JSONObject? = nil) -> JSONValue {
        var object = JSONObject()
        object["description"] = .string(description)
        if let headers { object["headers"] = .object(headers) }
        object["content"] = ["application/json": ["schema": schema]]
        return .object(object)
    }

    /// A header of an answer.
    static func header(_ description: String) -> JSONValue {
        ["description": .string(description), "schema": ["type": "string"]]
    }

    static func all(limits: HTTPLimits) -> [OpenAPIOperation] {
        requests + events + evidence + models + evaluations + completions + keys + webhooks + operations
    }
}

extension OpenAPIOperation {
    private static let entityTag = JSONObject([("ETag", header("The revision of the request, as a strong entity tag."))]
    )
    private static let link = JSONObject([
        ("Link", header("The next page, with `rel=\"next\"`; absent on the last one."))
    ])

    private static var requests: [OpenAPIOperation] {
        let request = OpenAPISchemas.reference("Request")
        let links: JSONValue = [
            "showRequest": ["operationId": "showRequest", "parameters": ["id": "$response.body#/id"]],
            "listEvents": ["operationId": "listEvents", "parameters": ["id": "$response.body#/id"]],
            "cancelRequest": ["operationId": "cancelRequest", "parameters": ["id": "$response.body#/id"]],
        ]
        var accepted =
            answer(
                "Accepted and on disk. The same key with the same body gives the same answer again.", request,
                headers: JSONObject([("Location", header("The address of the request."))])
            ).objectValue ?? JSONObject()
        accepted["links"] = links
        return [
            OpenAPIOperation(
                template: "/v1/requests", method: "post", id: "submitRequest", tag: "requests",
                summary: "Submit a deletion request",
                description: """
                    Answers only after the request is committed to disk. The text of items and keep texts is stored \
                    encrypted, is never shown again, and is destroyed some time after the request has ended. With \
                    `dry_run=true` nothing is stored, and the answer says what the request would do and cost.
                    """,
                parameters: ["IdempotencyKey", "DryRun"],
                body: [
                    "required": true,
                    "content": ["application/json": ["schema": OpenAPISchemas.reference("Submission")]],
                ],
                responses: [
                    (202, .object(accepted)),
                    (200, answer("What a dry run says.", OpenAPISchemas.reference("RequestPlan"))),
                ], problems: [400, 404, 409, 413, 415, 422, 503, 507]),
            OpenAPIOperation(
                template: "/v1/requests", method: "get", id: "listRequests", tag: "requests",
                summary: "List requests, newest first",
                parameters: ["State", "Category", "Model", "Limit", "Cursor"],
                responses: [(200, answer("One page.", OpenAPISchemas.reference("RequestPage"), headers: link))],
                problems: [400]),
            OpenAPIOperation(
                template: "/v1/requests/{id}", method: "get", id: "showRequest", tag: "requests",
                summary: "Show one request", parameters: ["RequestID", "IfNoneMatch"],
                responses: [
                    (200, answer("The request.", request, headers: entityTag)),
                    (304, ["description": "The entity tag in `If-None-Match` is still the current one."]),
                ], problems: [400, 404]),
            OpenAPIOperation(
                template: "/v1/requests/{id}/cancel", method: "post", id: "cancelRequest", tag: "requests",
                summary: "Cancel a request that is not in effect yet", parameters: ["RequestID", "IfMatch"],
                responses: [(200, answer("The cancelled request.", request, headers: entityTag))],
                problems: [400, 404, 409, 412]),
            OpenAPIOperation(
                template: "/v1/requests/{id}/retry", method: "post", id: "retryRequest", tag: "requests",
                summary: "Put a failed request back into the queue", parameters: ["RequestID", "IfMatch"],
                responses: [(200, answer("The request, queued again.", request, headers: entityTag))],
                problems: [400, 404, 409, 412]),
        ]
    }

    private static var events: [OpenAPIOperation] {
        let stream: JSONValue = [
            "description": "One page, or a stream of all events from the first new one until the request ends.",
            "headers": .object(link),
            "content": [
                "application/json": ["schema": OpenAPISchemas.reference("EventPage")],
                "text/event-stream": [
                    "schema": [
                        "type": "string",
                        "description": "`id` is the event's sequence, `event` its kind, `data` the Event object.",
                    ]
                ],
            ],
        ]
        return [
            OpenAPIOperation(
                template: "/v1/requests/{id}/events", method: "get", id: "listEvents", tag: "requests",
                summary: "Show or follow the events of a request",
                description: """
                    With `Accept: text/event-stream` a stream of server-sent events: it resumes after `Last-Event-ID`, \
                    carries a comment every few seconds, and closes when the request has ended.
                    """,
                parameters: ["RequestID", "After", "Limit", "LastEventID"],
                responses: [
                    (200, stream),
                    (
                        204,
                        ["description": "A stream was asked for, the request has ended and nothing is left to send."]
                    ),
                ],
                problems: [400, 404, 429])
        ]
    }

    private static var evidence: [OpenAPIOperation] {
        let headers = JSONObject([
            ("ETag", header("Names this document.")), ("Content-Digest", header("SHA-256 of the document (RFC 9530).")),
        ])
        let certificate: JSONValue = [
            "description": "The certificate in force: a DSSE envelope with an in-toto statement. See Docs/evidence.md.",
            "headers": .object(headers),
            "content": [
                "application/vnd.in-toto+dsse": ["schema": OpenAPISchemas.reference("SignedEnvelope")]
            ],
        ]
        return [
            OpenAPIOperation(
                template: "/v1/requests/{id}/certificate", method: "get", id: "showCertificate", tag: "evidence",
                summary: "The deletion certificate of an applied request",
                description: """
                    Issued when the request is applied, and again when the last kept generation that held its content \
                    is deleted. `lethe verify` checks it offline.
                    """,
                parameters: ["RequestID", "IfNoneMatch"],
                responses: [
                    (200, certificate),
                    (304, ["description": "The entity tag in `If-None-Match` is still the current one."]),
                ], problems: [400, 404]),
            OpenAPIOperation(
                template: "/v1/signing-keys", method: "get", id: "listSigningKeys", tag: "evidence",
                summary: "The public keys that check certificates and the audit log",
                responses: [(200, answer("A JSON Web Key set.", OpenAPISchemas.reference("SigningKeys")))],
                problems: [400]),
            OpenAPIOperation(
                template: "/v1/audit/head", method: "get", id: "showAuditHead", tag: "evidence",
                summary: "A signature over the audit log as it is",
                description: "Kept elsewhere, it shows later whether the log was changed or cut off.",
                parameters: ["IfNoneMatch"],
                responses: [
                    (200, answer("A DSSE envelope.", OpenAPISchemas.reference("SignedEnvelope"), headers: headers)),
                    (304, ["description": "The entity tag in `If-None-Match` is still the current one."]),
                ], problems: [400, 404]),
        ]
    }

    private static var models: [OpenAPIOperation] {
        [
            OpenAPIOperation(
                template: "/v1/models", method: "get", id: "listModels", tag: "models", summary: "List the models",
                responses: [(200, answer("All models.", OpenAPISchemas.reference("ModelList")))], problems: [400]),
            OpenAPIOperation(
                template: "/v1/models/{name}/generations", method: "get", id: "listGenerations", tag: "models",
                summary: "List the generations of a model", parameters: ["ModelName"],
                responses: [(200, answer("All generations.", OpenAPISchemas.reference("GenerationList")))],
                problems: [400, 404]),
            OpenAPIOperation(
                template: "/v1/models/{name}/rollback", method: "post", id: "rollBackModel", tag: "models",
                summary: "Serve an earlier generation again",
                description: """
                    Requests that were applied after that generation become `failed`: the model holds their content \
                    again.
                    """,
                parameters: ["ModelName"],
                body: [
                    "required": true,
                    "content": ["application/json": ["schema": OpenAPISchemas.reference("Rollback")]],
                ],
                responses: [(200, answer("The model with its new head.", OpenAPISchemas.reference("Model")))],
                problems: [400, 404, 409, 413, 415, 422]),
        ]
    }

    private static var operations: [OpenAPIOperation] {
        let text: (String, String) -> JSONValue = { description, type in
            .object(
                JSONObject([
                    ("description", .string(description)),
                    ("content", .object(JSONObject([(type, ["schema": ["type": "string"]])]))),
                ]))
        }
        return [
            OpenAPIOperation(
                template: "/livez", method: "get", id: "isAlive", tag: "operations", summary: "Whether the daemon runs",
                responses: [(200, answer("It does.", OpenAPISchemas.reference("Health")))]),
            OpenAPIOperation(
                template: "/readyz", method: "get", id: "isReady", tag: "operations",
                summary: "Whether the daemon can work on requests",
                responses: [(200, answer("It can.", OpenAPISchemas.reference("Health")))], problems: [503]),
            OpenAPIOperation(
                template: "/version", method: "get", id: "showVersion", tag: "operations", summary: "Versions",
                responses: [(200, answer("Versions.", OpenAPISchemas.reference("Version")))]),
            OpenAPIOperation(
                template: "/metrics", method: "get", id: "showMetrics", tag: "operations",
                summary: "Metrics in the Prometheus text format",
                responses: [(200, text("The metrics.", "text/plain"))]),
            OpenAPIOperation(
                template: "/openapi.json", method: "get", id: "showDescription", tag: "operations",
                summary: "This document",
                responses: [(200, answer("The document.", ["type": "object"]))]),
        ]
    }
}

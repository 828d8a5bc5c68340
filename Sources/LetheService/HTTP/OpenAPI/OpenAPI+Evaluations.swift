import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheStore

extension OpenAPIOperation {
    static var evaluations: [OpenAPIOperation] {
        let evaluation = OpenAPISchemas.reference("Evaluation")
        var accepted =
            answer(
                "Accepted and on disk. The same key with the same body gives the same evaluation again.", evaluation,
                headers: JSONObject([("Location", header("The address of the evaluation."))])
            ).objectValue ?? JSONObject()
        var links = JSONObject()
        for name in ["showEvaluation", "listEvaluationEvents", "cancelEvaluation", "showEvaluationResult"] {
            links[name] = ["operationId": .string(name), "parameters": ["id": "$response.body#/id"]]
        }
        accepted["links"] = .object(links)
        let link = JSONObject([("Link", header("The next page, with `rel=\"next\"`; absent on the last one."))])
        let events: JSONValue = [
            "description": "One page, or a stream of all events from the first new one until the evaluation ends.",
            "headers": .object(link),
            "content": [
                "application/json": ["schema": OpenAPISchemas.reference("EvaluationEventPage")],
                "text/event-stream": [
                    "schema": [
                        "type": "string",
                        "description": "`id` is the event's sequence, `event` its kind, `data` the EvaluationEvent.",
                    ]
                ],
            ],
        ]
        return [
            OpenAPIOperation(
                template: "/v1/evaluations", method: "post", id: "submitEvaluation", tag: "evaluations",
                summary: "Run the PCH benchmark as a job",
                description: """
                    One at a time, on the daemon's engine, on invented texts. Deletion requests go first: a run is \
                    interrupted for them, and goes on at the last finished request, as it does after a restart.
                    """,
                parameters: ["IdempotencyKey"],
                body: [
                    "required": true,
                    "content": ["application/json": ["schema": OpenAPISchemas.reference("EvaluationSubmission")]],
                ],
                responses: [(202, .object(accepted))], problems: [400, 404, 413, 415, 422]),
            OpenAPIOperation(
                template: "/v1/evaluations", method: "get", id: "listEvaluations", tag: "evaluations",
                summary: "List evaluations, newest first", parameters: ["EvaluationState", "Limit", "Cursor"],
                responses: [(200, answer("One page.", OpenAPISchemas.reference("EvaluationPage"), headers: link))],
                problems: [400]),
            OpenAPIOperation(
                template: "/v1/evaluations/{id}", method: "get", id: "showEvaluation", tag: "evaluations",
                summary: "Show one evaluation", parameters: ["EvaluationID"],
                responses: [(200, answer("The evaluation.", evaluation))], problems: [400, 404]),
            OpenAPIOperation(
                template: "/v1/evaluations/{id}/events", method: "get", id: "listEvaluationEvents", tag: "evaluations",
                summary: "Show or follow the events of an evaluation",
                description: "As the events of a request; `progress` carries the phase and the time that is left.",
                parameters: ["EvaluationID", "After", "Limit", "LastEventID"],
                responses: [
                    (200, events),
                    (
                        204,
                        ["description": "A stream was asked for, the evaluation has ended and nothing is left to send."]
                    ),
                ], problems: [400, 404, 429]),
            OpenAPIOperation(
                template: "/v1/evaluations/{id}/result", method: "get", id: "showEvaluationResult", tag: "evaluations",
                summary: "The result of an evaluation that has succeeded",
                description: "result.json of `lethe bench pch`; see Docs/result-schema.md. 409 until there is one.",
                parameters: ["EvaluationID"],
                responses: [(200, answer("The result.", ["type": "object"]))], problems: [400, 404, 409]),
            OpenAPIOperation(
                template: "/v1/evaluations/{id}/cancel", method: "post", id: "cancelEvaluation", tag: "evaluations",
                summary: "End an evaluation that waits or runs", parameters: ["EvaluationID"],
                responses: [(200, answer("The cancelled evaluation.", evaluation))], problems: [400, 404, 409, 413]),
        ]
    }
}

extension OpenAPISchemas {
    static let evaluationID: JSONValue = [
        "type": "string", "pattern": "^eval_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$",
    ]

    static var evaluationParameters: [(String, JSONValue)] {
        [
            ("EvaluationID", parameter("id", "path", evaluationID, "The evaluation's id.")),
            (
                "EvaluationState",
                parameter("state", "query", words(EvaluationState.self), "Only evaluations in this state.")
            ),
        ]
    }

    static var evaluationSchemas: [(String, JSONValue)] {
        [
            ("EvaluationSubmission", evaluationSubmission), ("Evaluation", evaluation),
            ("EvaluationPage", page(of: "Evaluation", cursor: true)), ("EvaluationEvent", evaluationEvent),
            ("EvaluationEventPage", page(of: "EvaluationEvent", cursor: false)),
        ]
    }

    private static var evaluationSubmission: JSONValue {
        typealias Bounds = EvaluationSpecification.Bounds
        func integer(_ bounds: ClosedRange<Int>, _ description: String) -> JSONValue {
            [
                "type": "integer", "minimum": .integer(Int64(bounds.lowerBound)),
                "maximum": .integer(Int64(bounds.upperBound)), "description": .string(description),
            ]
        }
        func list(_ item: JSONValue, _ counts: ClosedRange<Int>, _ description: String) -> JSONValue {
            [
                "type": "array", "minItems": .integer(Int64(counts.lowerBound)),
                "maxItems": .integer(Int64(counts.upperBound)), "uniqueItems": true, "items": item,
                "description": .string(description),
            ]
        }
        let texts = 1...PCHGenerator.maximumTexts
        let attacks = RecoveryAttacks.names
        return object(
            [
                ("kind", ["type": "string", "enum": ["pch"]]),
                (
                    "preset",
                    described(
                        words(BenchmarkPreset.self),
                        "`quick`: 6 + 6 texts, without a model a tiny one made on the spot; `standard`: 60 + 60; `full`: 300 + 300."
                    )
                ),
                ("model", described(modelName, "A model of the store at its present head; needed but for `quick`.")),
                (
                    "methods",
                    list(
                        text(Bounds.methodCharacters), 1...Bounds.methods,
                        "As in `lethe bench pch --methods`; the controls are added.")
                ),
                (
                    "seeds",
                    list(
                        ["type": "integer", "minimum": 0, "maximum": .integer(Int64(Bounds.seed.upperBound))],
                        1...Bounds.seeds, "Seeds of the stream.")
                ),
                ("data_seed", integer(Bounds.seed, "Seed of the invented texts.")),
                ("forget", integer(texts, "Texts to forget.")), ("retain", integer(texts, "Texts to retain.")),
                ("questions", integer(Bounds.questions, "Questions of a text, at most.")),
                ("request_items", words(BenchmarkPlan.RequestItems.self)),
                (
                    "keep_share",
                    [
                        "type": "number", "minimum": 0, "maximum": 1,
                        "description": "Share of the retain texts that the methods get to keep.",
                    ]
                ),
                (
                    "attacks",
                    list(
                        ["type": "string", "enum": .array(attacks.map { .string($0) })], 0...attacks.count,
                        "Recovery attacks on each method's final model.")
                ),
                ("retrained", ["type": "boolean"]),
            ], required: ["kind"])
    }

    private static var evaluation: JSONValue {
        answerObject([
            ("id", evaluationID), ("state", words(EvaluationState.self)),
            ("specification", described(["type": "object"], "What is run, with every default filled in.")),
            ("model", nullable("string")), ("generation", nullable("integer")),
            ("runs", described(count, "How often it was taken up.")),
            (
                "progress",
                described(
                    nullable("object"),
                    "The phase, its share, and once they can be known the share of the whole and the seconds left.")
            ),
            (
                "error",
                [
                    "type": ["object", "null"],
                    "properties": ["code": ["type": "string"], "message": ["type": "string"]],
                    "required": ["code", "message"],
                ]
            ),
            ("created_at", time), ("updated_at", time), ("started_at", optionalTime), ("finalized_at", optionalTime),
        ])
    }

    private static var evaluationEvent: JSONValue {
        answerObject([
            ("sequence", ["type": "integer", "minimum": 1]), ("evaluation_id", evaluationID), ("at", time),
            ("kind", ["type": "string", "pattern": "^[a-z_]{1,32}$"]), ("from", nullable("string")),
            ("to", nullable("string")), ("detail", nullable("object")),
        ])
    }
}

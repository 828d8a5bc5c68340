import LetheCore

extension OpenAPIOperation {
    static var completions: [OpenAPIOperation] {
        [
            OpenAPIOperation(
                template: "/v1/completions", method: "post", id: "complete", tag: "models",
                summary: "Complete prompts, or score them",
                description: """
                    Compatible with the completions call of the OpenAI API: with `echo`, `logprobs` and `max_tokens` 0 \
                    it gives the log-probability of every token of the prompts. It answers from the model's head \
                    generation at any time, also while a request is being carried out. Prompts get no special tokens. \
                    Errors have, beside the members of a problem, the member `error` that clients of that API show.
                    """,
                body: [
                    "required": true,
                    "content": ["application/json": ["schema": OpenAPISchemas.reference("CompletionRequest")]],
                ],
                responses: [(200, answer("The completions.", OpenAPISchemas.reference("Completion")))],
                problems: [400, 404, 413, 415, 503])
        ]
    }
}

extension OpenAPISchemas {
    private typealias Bounds = CompletionRequest.Bounds

    static var completionRequest: JSONValue {
        let ids: JSONValue = [
            "type": "array", "minItems": 1, "items": ["type": "integer", "minimum": 0, "maximum": 2_147_483_647],
        ]
        func prompts(_ items: JSONValue) -> JSONValue {
            ["type": "array", "minItems": 1, "maxItems": .integer(Int64(Bounds.prompts)), "items": items]
        }
        let text: JSONValue = ["type": "string", "minLength": 1]
        func only(_ value: JSONValue, _ name: String) -> (String, JSONValue) {
            (name, ["enum": [value, nil], "description": "Accepted for clients that send it."])
        }
        let stop: JSONValue = [
            "type": "string", "minLength": 1, "maxLength": .integer(Int64(Bounds.stopBytes)),
        ]
        let properties: [(String, JSONValue)] = [
            ("model", ["type": "string", "maxLength": 1024, "description": "The name of a model of the store."]),
            (
                "prompt",
                [
                    "description": "A text, token ids, or several of either.",
                    "anyOf": [text, prompts(text), ids, prompts(ids)],
                ]
            ),
            (
                "max_tokens",
                [
                    "type": ["integer", "null"], "minimum": 0, "maximum": .integer(Int64(Bounds.maximumTokens)),
                    "default": 16,
                    "description": .string(
                        "New tokens of each prompt; 0 with `echo` only. At most \(Bounds.allNewTokens) for all prompts "
                            + "together."),
                ]
            ),
            (
                "temperature",
                ["type": ["number", "null"], "minimum": 0, "maximum": 2, "default": 1, "description": "0 is greedy."]
            ),
            ("top_p", ["type": ["number", "null"], "minimum": 0, "maximum": 1, "default": 1]),
            ("seed", ["type": ["integer", "null"], "minimum": .integer(Int64.min), "maximum": .integer(Int64.max)]),
            (
                "stop",
                [
                    "anyOf": [
                        stop, ["type": "null"],
                        ["type": "array", "maxItems": .integer(Int64(Bounds.stops)), "items": stop],
                    ]
                ]
            ),
            ("echo", ["type": ["boolean", "null"], "default": false]),
            (
                "logprobs",
                [
                    "type": ["integer", "null"], "minimum": 0, "maximum": .integer(Int64(Bounds.logProbabilities)),
                    "description": "How many of the most likely tokens are listed at each place.",
                ]
            ),
            only(1, "n"), only(1, "best_of"), only(false, "stream"), ("stream_options", ["type": "null"]),
            only(0, "presence_penalty"), only(0, "frequency_penalty"), only("", "suffix"),
            ("logit_bias", ["type": ["object", "null"], "maxProperties": 0]),
            ("user", ["type": ["string", "null"], "maxLength": 1024]),
        ]
        return [
            "type": "object", "properties": .object(JSONObject(properties)), "required": ["model", "prompt"],
            "additionalProperties": false,
        ]
    }

    static var completion: JSONValue {
        let count: JSONValue = ["type": "integer", "minimum": 0]
        func answer(_ properties: [(String, JSONValue)], isOptional: Bool = false) -> JSONValue {
            [
                "type": isOptional ? ["object", "null"] : "object", "properties": .object(JSONObject(properties)),
                "required": .array(properties.map { .string($0.0) }),
            ]
        }
        let logProbabilities = answer(
            [
                ("tokens", ["type": "array", "items": ["type": "string"]]),
                (
                    "token_logprobs",
                    [
                        "type": "array", "items": ["type": ["number", "null"]],
                        "description": "Natural logarithms; null for the first token of an echoed prompt.",
                    ]
                ),
                (
                    "top_logprobs",
                    [
                        "type": "array",
                        "items": ["type": ["object", "null"], "additionalProperties": ["type": "number"]],
                        "description": "The most likely tokens at each place, and the one that is there.",
                    ]
                ),
                (
                    "text_offset",
                    [
                        "type": "array", "items": count,
                        "description": "Where each token begins in the whole text, in code points.",
                    ]
                ),
            ], isOptional: true)
        let choice = answer([
            ("text", ["type": "string"]), ("index", count), ("logprobs", logProbabilities),
            ("finish_reason", ["type": "string", "enum": ["stop", "length"]]),
        ])
        return answer([
            ("id", ["type": "string"]), ("object", ["type": "string", "enum": ["text_completion"]]),
            ("created", count), ("model", ["type": "string"]),
            (
                "system_fingerprint",
                [
                    "type": "string",
                    "description": "The generation that answered: its number and its manifest's digest, shortened.",
                ]
            ),
            ("choices", ["type": "array", "items": choice]),
            ("usage", answer([("prompt_tokens", count), ("completion_tokens", count), ("total_tokens", count)])),
        ])
    }
}

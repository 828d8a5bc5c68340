import LetheCore

/// What a dry run answers.
extension OpenAPISchemas {
    static var requestPlan: JSONValue {
        let integers: JSONValue = ["type": "array", "items": count]
        return answerObject([
            ("dry_run", ["type": "boolean"]), ("model", modelName),
            ("generation", described(count, "The head that the plan is about.")), ("items", count),
            ("open_requests", described(count, "Requests that wait or are being worked on.")),
            ("chunks", described(count, "Chunks of the items' texts.")),
            ("kept_chunks", described(count, "Chunks that were not forgotten before.")),
            ("already_forgotten", described(["type": "boolean"], "Whether nothing is left to do.")),
            ("sequences", count), ("tokens", described(count, "Tokens whose prediction would be unlearned.")),
            ("preset", ["type": "string"]),
            ("objective", described(nullable("string"), "Null where the update chooses it.")),
            ("keep_term", described(nullable("string"), "Null where the update chooses it.")),
            ("importance", described(nullable("number"), "Null when the items are too long to measure it now.")),
            ("targeting", ["type": "string"]), ("layer_count", count),
            (
                "layers",
                [
                    "type": ["array", "null"], "items": count,
                    "description": "Null where the update chooses them.",
                ]
            ),
            ("epochs", described(count, "Passes over the items, at most.")),
            ("estimated_seconds", described(nullable("number"), "Null when there is nothing to go by.")),
            (
                "estimate_basis",
                [
                    "type": ["object", "null"],
                    "description":
                        "`history`: the median time for a token in earlier requests; `one_pass`: one measured pass over the items, as often as there may be.",
                    "properties": [
                        "kind": ["type": "string", "enum": ["history", "one_pass"]], "requests": count,
                        "passes_at_most": count,
                    ],
                    "required": ["kind"],
                ]
            ),
            (
                "holding_generations",
                described(integers, "Kept generations: they hold the content until they are purged.")
            ),
        ])
    }
}

import LetheCore

/// The OpenAPI 3.1 description of the interface, with bounds taken from the code that enforces them.
///
/// `GET /openapi.json` serves it; Docs/openapi.json is a copy that a test compares.
public enum OpenAPIDocument {
    /// The version of the description; changes with it, whatever the version of the daemon.
    public static let version = "1.0.0"

    /// The whole document.
    public static func json(limits: HTTPLimits = HTTPLimits()) -> JSONValue {
        var paths = JSONObject()
        for operation in OpenAPIOperation.all(limits: limits) {
            var item = paths[operation.template]?.objectValue ?? JSONObject()
            item[operation.method] = operation.json
            paths[operation.template] = .object(item)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Lethe",
                "version": .string(version),
                "summary": "Makes a language model forget on request.",
                "description": .string(introduction),
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": "http://127.0.0.1:8475", "description": "The default address of `lethe serve`."]],
            "tags": [
                ["name": "requests", "description": "Deletion requests: submit, follow, cancel, retry."],
                ["name": "evidence", "description": "What others can check: certificates, keys, the audit log."],
                ["name": "models", "description": "What is served, and its history."],
                ["name": "evaluations", "description": "Benchmarks as jobs: how well methods forget."],
                ["name": "access", "description": "API keys and webhooks."],
                ["name": "operations", "description": "For supervisors and monitoring."],
            ],
            "paths": .object(paths),
            "components": [
                "schemas": OpenAPISchemas.json(limits: limits),
                "parameters": OpenAPISchemas.parameters(limits: limits),
                "securitySchemes": OpenAPISchemas.securitySchemes,
            ],
        ]
    }

    private static let introduction = """
        JSON in UTF-8 both ways. Times are RFC 3339 in UTC with milliseconds. Unknown fields are refused on write and \
        should be ignored on read. Errors are `application/problem+json` (RFC 9457) with a stable `code`; they never \
        quote what was sent. `X-Request-Id` is echoed when it is 1 to 64 of `A-Z a-z 0-9 -`, and made up otherwise.
        """
}

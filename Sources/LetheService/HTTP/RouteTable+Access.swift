import HTTPTypes
import LetheCore

/// What a caller needs for an operation.
enum RouteAccess: Sendable, Equatable {
    /// Nothing.
    case open
    /// An API key with this scope.
    case scope(AccessScope)
}

extension RouteTable {
    /// Every operation with what it asks of its caller: the one place where that is said. What is not here is refused
    /// to everybody.
    static let access: [String: RouteAccess] = [
        "GET /livez": .open,
        "GET /readyz": .open,
        "GET /openapi.json": .open,
        "GET /version": .scope(.metrics),
        "GET /metrics": .scope(.metrics),

        "POST /v1/requests": .scope(.requestsWrite),
        "GET /v1/requests": .scope(.requestsRead),
        "GET /v1/requests/{id}": .scope(.requestsRead),
        "GET /v1/requests/{id}/events": .scope(.requestsRead),
        "POST /v1/requests/{id}/cancel": .scope(.requestsWrite),
        "POST /v1/requests/{id}/retry": .scope(.requestsWrite),
        "GET /v1/requests/{id}/certificate": .scope(.requestsRead),
        "GET /v1/signing-keys": .open,
        "GET /v1/audit/head": .scope(.requestsRead),

        "GET /v1/models": .scope(.modelsRead),
        "GET /v1/models/{name}/generations": .scope(.modelsRead),
        "POST /v1/models/{name}/rollback": .scope(.modelsWrite),

        "POST /v1/evaluations": .scope(.evaluationsWrite),
        "GET /v1/evaluations": .scope(.modelsRead),
        "GET /v1/evaluations/{id}": .scope(.modelsRead),
        "GET /v1/evaluations/{id}/events": .scope(.modelsRead),
        "GET /v1/evaluations/{id}/result": .scope(.modelsRead),
        "POST /v1/evaluations/{id}/cancel": .scope(.evaluationsWrite),

        "POST /v1/completions": .scope(.completions),

        "POST /v1/keys": .scope(.admin),
        "GET /v1/keys": .scope(.admin),
        "DELETE /v1/keys/{id}": .scope(.admin),
        "POST /v1/webhooks": .scope(.admin),
        "GET /v1/webhooks": .scope(.admin),
        "GET /v1/webhooks/{id}": .scope(.admin),
        "DELETE /v1/webhooks/{id}": .scope(.admin),
        "POST /v1/webhooks/{id}/enable": .scope(.admin),
    ]

    /// What an operation asks of its caller; nil when it is not in ``access``. HEAD asks for what GET asks for.
    static func access(_ method: HTTPRequest.Method, _ template: String) -> RouteAccess? {
        access["\(method == .head ? "GET" : method.rawValue) \(template)"]
    }
}

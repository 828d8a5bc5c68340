import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore
import ServiceLifecycle

extension API {
    var requestOperations: [Operation] {
        [
            Operation(.post, "/v1/requests", submit),
            Operation(.get, "/v1/requests", list),
            Operation(.get, "/v1/requests/{id}", show),
            Operation(.post, "/v1/requests/{id}/cancel") { request, context in
                try await change(request, context) { try await database.cancel($0, ifRevision: $1) }
            },
            Operation(.post, "/v1/requests/{id}/retry") { request, context in
                try await change(request, context) {
                    let row = try await database.retry($0, ifRevision: $1)
                    models.wakeWorker()
                    return row
                }
            },
        ]
    }

    /// Accepts a submission. The answer is written after the commit, so that what was acknowledged is on disk.
    @Sendable private func submit(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(target: request.head.path ?? "", allowing: ["dry_run"])
        let isDryRun = try query.boolean("dry_run") ?? false
        let key = try idempotencyKey(request.headers)
        let (json, bytes) = try await request.jsonBody(limits: limits)
        let submission = try await Problem.validating {
            let submission = try ErasureRequest(json: json)
            try await models.validate(submission)
            return submission
        }
        if isDryRun { return try await plan(submission, context) }
        let outcome: SubmitOutcome
        do {
            outcome = try await database.submit(
                request: submission, idempotencyKey: key, bodyDigest: Data(SHA256.hash(data: bytes)),
                scope: "POST /v1/requests" + (context.caller.keyID.map { " \($0)" } ?? ""))
        } catch let error as LetheError where error.code == .conflict {
            throw Problem(
                .unprocessableContent, "idempotency_key_reused", "the idempotency key was used with another body")
        } catch let error as LetheError where error.code == .notFound {
            throw Self.unknownModel(error)
        } catch let error as LetheError where error.code == .badData && error.message.hasPrefix("/") {
            throw Problem(invalid: error) ?? error
        }
        if case .created = outcome { models.wakeWorker() }
        let row = outcome.row.accepted
        return .json(row.json, status: .accepted, headers: [.location: "/v1/requests/\(row.id)"])
    }

    /// Says what a submission would do. Nothing of it is stored, the idempotency key neither.
    private func plan(_ submission: ErasureRequest, _ context: APIContext) async throws -> Response {
        do {
            let plan = try await Problem.validating {
                try await context.presence.cancelWhenGone {
                    try await cancelWhenGracefulShutdown { try await models.plan(submission) }
                }
            }
            return .json(plan.json)
        } catch let error as LetheError where error.code == .notFound {
            throw Self.unknownModel(error)
        }
    }

    static func unknownModel(_ error: LetheError) -> Problem {
        Problem(
            .notFound, "unknown_model", error.message,
            errors: [Problem.FieldError(pointer: "/model", detail: "there is no such model")])
    }

    @Sendable private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let names = ["state", "category", "model", "limit", "cursor"]
        let query = try QueryParameters(target: request.head.path ?? "", allowing: names)
        if let model = query["model"], !ModelName.isValid(model) {
            throw Problem.badRequest("query parameter model: \(ModelName.rule)")
        }
        let filter = RequestFilter(
            state: try query.word("state", RequestState.self),
            category: try query.word("category", RequestCategory.self),
            model: query["model"])
        let limit = try query.integer("limit", in: 1...limits.maximumPageSize) ?? limits.defaultPageSize
        let page: RequestPage
        do {
            page = try await database.list(filter, cursor: query["cursor"], limit: limit)
        } catch let error as LetheError where error.code == .badData && query["cursor"] != nil {
            throw Problem.badRequest("query parameter cursor: not made for this list", code: "invalid_cursor")
        }
        var headers = HTTPFields()
        if let cursor = page.nextCursor {
            let kept = names.dropLast().compactMap { name in query[name].map { "\(name)=\($0)&" } }.joined()
            headers[.link] = "</v1/requests?\(kept)cursor=\(cursor)>; rel=\"next\""
        }
        let json: JSONValue = [
            "data": .array(page.rows.map(\.json)), "next_cursor": page.nextCursor.map { .string($0) } ?? .null,
        ]
        return .json(json, headers: headers)
    }

    @Sendable private func show(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        return EntityTag.response(try await row(context), to: request)
    }

    /// Cancels or retries: the same checks and answers for both.
    private func change(
        _ request: Request, _ context: APIContext, _ verb: (LetheCore.RequestID, Int64?) async throws -> RequestRow
    ) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        try await request.requireNoBody(limits: limits)
        let current = try await row(context)
        let revision = try EntityTag.requiredRevision(current, for: request)
        do {
            let changed = try await verb(current.id, revision)
            return .json(changed.json, headers: [.eTag: EntityTag.of(changed)])
        } catch let error as LetheError where error.code == .preconditionFailed {
            throw EntityTag.mismatch
        } catch let error as LetheError where error.code == .invalidState {
            let state = try await row(context).state
            throw Problem(
                .conflict, error.code.rawValue, "the request's state does not allow it",
                members: [("state", .string(state.rawValue))])
        }
    }

    /// The request that the path names.
    /// - Throws: `not_found`, for a malformed id too.
    func row(_ context: APIContext) async throws -> RequestRow {
        guard let id = context.parameters.get("id").flatMap(LetheCore.RequestID.init(rawValue:)) else {
            throw LetheError(.notFound, "no request has this id")
        }
        return try await database.request(id)
    }

    /// The idempotency key: printable ASCII, either bare or as the quoted string of the header's draft standard
    /// (draft-ietf-httpapi-idempotency-key-header).
    func idempotencyKey(_ headers: HTTPFields) throws -> String {
        let values = headers[values: .idempotencyKey]
        guard let given = values.first else {
            throw Problem.badRequest("the Idempotency-Key header is missing", code: "missing_idempotency_key")
        }
        var key = Substring(given)
        if key.utf8.count >= 2, key.hasPrefix("\""), key.hasSuffix("\"") { key = key.dropFirst().dropLast() }
        let isPlain =
            (1...limits.idempotencyKeyLength).contains(key.utf8.count)
            && key.utf8.allSatisfy {
                (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
        guard values.count == 1, isPlain else {
            throw Problem.badRequest(
                "Idempotency-Key must be one value of 1 to \(limits.idempotencyKeyLength) printable ASCII characters",
                code: "invalid_idempotency_key")
        }
        return String(key)
    }
}

extension Problem {
    /// Runs checks of what the caller sent: their `LetheError` is the caller's fault, and answered as such.
    static func validating<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as LetheError {
            throw Problem(invalid: error) ?? error
        }
    }
}

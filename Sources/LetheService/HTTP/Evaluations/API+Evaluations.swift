import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore

extension API {
    /// Benchmarks as jobs on the daemon's engine.
    var evaluationOperations: [Operation] {
        [
            Operation(.post, "/v1/evaluations", submitEvaluation),
            Operation(.get, "/v1/evaluations", listEvaluations),
            Operation(.get, "/v1/evaluations/{id}") { request, context in
                _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
                return .json(try await database.evaluation(evaluationID(context)).json)
            },
            Operation(.get, "/v1/evaluations/{id}/events", evaluationEvents),
            Operation(.get, "/v1/evaluations/{id}/result", evaluationResult),
            Operation(.post, "/v1/evaluations/{id}/cancel", cancelEvaluation),
        ]
    }

    /// Accepts an evaluation. The answer is written after the commit.
    @Sendable private func submitEvaluation(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        let key = try idempotencyKey(request.headers)
        let (json, bytes) = try await request.jsonBody(limits: limits)
        let specification = try await Problem.validating { try EvaluationSpecification(json: json) }
        let outcome: (row: EvaluationRow, isNew: Bool)
        do {
            outcome = try await database.submitEvaluation(
                specification.json, model: specification.model, key: key, bodyDigest: Data(SHA256.hash(data: bytes)),
                scope: "POST /v1/evaluations" + (context.caller.keyID.map { " \($0)" } ?? ""),
                keyID: context.caller.keyID)
        } catch let error as LetheError where error.code == .conflict {
            throw Problem(
                .unprocessableContent, "idempotency_key_reused", "the idempotency key was used with another body")
        } catch let error as LetheError where error.code == .notFound {
            throw Self.unknownModel(error)
        }
        if outcome.isNew { models.evaluationsChanged() }
        return .json(
            outcome.row.json, status: .accepted, headers: [.location: "/v1/evaluations/\(outcome.row.id)"])
    }

    @Sendable private func listEvaluations(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(target: request.head.path ?? "", allowing: ["state", "limit", "cursor"])
        let state = try query.word("state", EvaluationState.self)
        let limit = try query.integer("limit", in: 1...limits.maximumPageSize) ?? limits.defaultPageSize
        let invalid = Problem.badRequest("query parameter cursor: not made for this list", code: "invalid_cursor")
        let before = try query["cursor"].map { text in
            guard let id = EvaluationID(rawValue: text) else { throw invalid }
            return id
        }
        let rows: [EvaluationRow]
        do {
            // One more than asked for tells whether there is a next page.
            rows = try await database.evaluations(state: state, before: before, limit: limit + 1)
        } catch let error as LetheError where error.code == .badData && before != nil {
            throw invalid
        }
        let page = rows.prefix(limit)
        let next = rows.count > limit ? page.last?.id.rawValue : nil
        var headers = HTTPFields()
        if let next {
            let kept = ["state", "limit"].compactMap { name in query[name].map { "\(name)=\($0)&" } }.joined()
            headers[.link] = "</v1/evaluations?\(kept)cursor=\(next)>; rel=\"next\""
        }
        return .json(
            ["data": .array(page.map(\.json)), "next_cursor": next.map { .string($0) } ?? .null], headers: headers)
    }

    @Sendable private func evaluationEvents(_ request: Request, _ context: APIContext) async throws -> Response {
        let place = try EventPlace(request, limits: limits)
        let id = try evaluationID(context)
        guard place.isStream else {
            let rows = try await database.evaluationEvents(id, after: place.after, limit: place.limit + 1)
            var headers = HTTPFields()
            if rows.count > place.limit {
                let last = rows[place.limit - 1].sequence
                headers[.link] =
                    "</v1/evaluations/\(id)/events?limit=\(place.limit)&after=\(last)>; rel=\"next\""
            }
            return .json(
                [
                    "data": .array(rows.prefix(place.limit).map(\.json)),
                    "has_more": .bool(rows.count > place.limit),
                ], headers: headers)
        }
        let source = EventFollower.Source(
            announcements: { [database] in database.evaluationAnnouncements() },
            hasEnded: { [database] in try await database.evaluation(id).state.isFinal },
            events: { [database] after, limit in
                try await database.evaluationEvents(id, after: after, limit: limit)
                    .map { .init(sequence: $0.sequence, kind: $0.kind, json: $0.json) }
            })
        return try await eventStream(source, after: place.after, request: request, context: context)
    }

    /// The bytes of result.json.
    @Sendable private func evaluationResult(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        let row = try await database.evaluation(evaluationID(context))
        guard row.state == .succeeded, let data = EvaluationFolder(database.evaluationsURL, row.id).resultData() else {
            throw Problem(
                .conflict, "no_result", "the evaluation has no result",
                members: [("state", .string(row.state.rawValue))])
        }
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }

    @Sendable private func cancelEvaluation(_ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(target: request.head.path ?? "", allowing: [])
        try await request.requireNoBody(limits: limits)
        let id = try evaluationID(context)
        do {
            let row = try await database.cancelEvaluation(id)
            models.evaluationsChanged()
            return .json(row.json)
        } catch let error as LetheError where error.code == .invalidState {
            throw Problem(
                .conflict, error.code.rawValue, "the evaluation's state does not allow it",
                members: [("state", .string(try await database.evaluation(id).state.rawValue))])
        }
    }

    /// - Throws: `not_found` for what is no evaluation's id.
    private func evaluationID(_ context: APIContext) throws -> EvaluationID {
        guard let id = context.parameters.get("id").flatMap(EvaluationID.init(rawValue:)) else {
            throw LetheError(.notFound, "no evaluation has this id")
        }
        return id
    }
}

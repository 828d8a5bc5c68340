import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore
import Logging

extension API {
    var eventOperations: [Operation] {
        [Operation(.get, "/v1/requests/{id}/events", events)]
    }

    /// A page of events, or a stream of them, as the caller prefers.
    @Sendable private func events(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try QueryParameters(target: request.head.path ?? "", allowing: ["after", "limit"])
        let after = try query.integer("after", in: 0...Int.max) ?? 0
        let limit = try query.integer("limit", in: 1...limits.maximumPageSize) ?? limits.defaultPageSize
        let row = try await row(context)
        let lastEventID = try request.headers[.lastEventID].map { text in
            guard let number = QueryParameters.decimal(text) else {
                throw Problem.badRequest("Last-Event-ID must be the id of an event")
            }
            return number
        }
        guard Self.prefersStream(request.headers[values: .accept]) else {
            return try await page(row.id, after: Int64(after), limit: limit)
        }
        return try await stream(row, after: Int64(lastEventID ?? after), request: request, context: context)
    }

    private func page(_ id: LetheCore.RequestID, after: Int64, limit: Int) async throws -> Response {
        // One more than asked for tells whether there is a next page.
        let rows = try await database.events(id, after: after, limit: limit + 1)
        var headers = HTTPFields()
        if rows.count > limit {
            let last = rows[limit - 1].sequence
            headers[.link] = "</v1/requests/\(id)/events?limit=\(limit)&after=\(last)>; rel=\"next\""
        }
        return .json(
            ["data": .array(rows.prefix(limit).map(\.json)), "has_more": .bool(rows.count > limit)], headers: headers)
    }

    /// Opens a stream. A browser comes back after each end; 204 tells it that there is nothing more to come for.
    private func stream(
        _ row: RequestRow, after: Int64, request: Request, context: APIContext
    ) async throws -> Response {
        if row.state.isFinal, try await database.events(row.id, after: after, limit: 1).isEmpty {
            return Response(status: .noContent)
        }
        guard let slot = streams.take() else {
            throw Problem(
                .tooManyRequests, "too_many_streams", "the limit is \(streams.limit) open event streams",
                headers: [.retryAfter: "5"])
        }
        let follower = EventFollower(
            database: database, id: row.id, pingInterval: configuration.pingInterval)
        let logger = context.logger
        let body = ResponseBody { writer in
            do {
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    try await follower.run(after: after) { try await writer.write(ByteBuffer(bytes: $0)) }
                }
            } catch is CancellationError {
                logger.debug("event stream closed by its client")
            } catch let error as LetheError {
                logger.error("event stream failed", metadata: ["code": .string(error.code.rawValue)])
            }
            withExtendedLifetime(slot) {}
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: ServerSentEvent.contentType, .cacheControl: "no-store, no-transform",
                .accelBuffering: "no",
            ], body: body)
    }

    /// Whether `Accept` names `text/event-stream`, with at least the weight of `application/json`.
    static func prefersStream(_ accept: [String]) -> Bool {
        var weights: [String: Double] = [:]
        for range in accept.joined(separator: ",").lowercased().split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            guard let type = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            weights[type] = max(weights[type] ?? 0, weight)
        }
        guard let stream = weights[ServerSentEvent.contentType], stream > 0 else { return false }
        return stream >= (weights["application/json"] ?? 0)
    }
}

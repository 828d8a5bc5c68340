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
        let place = try EventPlace(request, limits: limits)
        let row = try await row(context)
        guard place.isStream else { return try await page(row.id, after: place.after, limit: place.limit) }
        return try await eventStream(source(row.id), after: place.after, request: request, context: context)
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

    /// The events of a request, for a stream.
    private func source(_ id: LetheCore.RequestID) -> EventFollower.Source {
        EventFollower.Source(
            announcements: { [database] in database.eventAnnouncements() },
            hasEnded: { [database] in try await database.request(id).state.isFinal },
            events: { [database] after, limit in
                try await database.events(id, after: after, limit: limit)
                    .map { .init(sequence: $0.sequence, kind: $0.kind, json: $0.json) }
            })
    }

    /// Opens a stream. A browser comes back after each end; 204 tells it that there is nothing more to come for.
    func eventStream(
        _ source: EventFollower.Source, after: Int64, request: Request, context: APIContext
    ) async throws -> Response {
        if try await source.hasEnded(), try await source.events(after, 1).isEmpty {
            return Response(status: .noContent)
        }
        guard let slot = streams.take() else {
            throw Problem(
                .tooManyRequests, "too_many_streams", "the limit is \(streams.limit) open event streams",
                headers: [.retryAfter: "5"])
        }
        let follower = EventFollower(source: source, pingInterval: configuration.pingInterval)
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

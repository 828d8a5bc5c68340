import Foundation
import HTTPTypes
import Hummingbird
import LetheCore
import LetheStore

extension API {
    /// For supervisors and monitoring.
    var daemonOperations: [Operation] {
        [
            Operation(.get, "/livez") { _, _ in .json(["status": "ok"]) },
            Operation(.get, "/readyz", ready),
            Operation(.get, "/version") { _, _ in
                .json(
                    [
                        "name": "lethe", "version": .string(configuration.version),
                        "sqlite": .string(LetheDatabase.sqliteVersion),
                    ], headers: [.link: "</openapi.json>; rel=\"service-desc\""])
            },
            Operation(.get, "/metrics", metricsText),
            Operation(.get, "/openapi.json") { [description = OpenAPIDocument.json(limits: limits)] _, _ in
                .json(description)
            },
        ]
    }

    @Sendable private func ready(_ request: Request, _ context: APIContext) async throws -> Response {
        let (isReady, reason) = await models.readiness()
        guard isReady, database.failure == nil else {
            let detail = database.failure == nil ? reason ?? "not ready" : "the store has stopped writing"
            throw Problem(.serviceUnavailable, "unavailable", detail, headers: [.retryAfter: "2"])
        }
        guard database.hasFreeDisk else {
            throw Problem(
                .serviceUnavailable, "unavailable", "the disk is almost full", headers: [.retryAfter: "60"])
        }
        return .json(["status": "ready"])
    }

    @Sendable private func metricsText(_ request: Request, _ context: APIContext) async throws -> Response {
        let statistics = try await database.statistics()
        let now = clock.now()
        var text = PrometheusText()

        text.family("lethe_requests", .gauge, "Requests by state and kind.")
        for state in RequestState.allCases {
            for kind in RequestKind.allCases {
                let count = statistics.counts.first { $0.key.state == state && $0.key.kind == kind }?.value ?? 0
                text.sample("lethe_requests", [("state", state.rawValue), ("kind", kind.rawValue)], Double(count))
            }
        }
        text.family(
            "lethe_oldest_queued_age_seconds", .gauge, "Age of the request that has waited longest; 0 without one.")
        text.sample(
            "lethe_oldest_queued_age_seconds", [],
            statistics.oldestQueued.map { max(0, now.timeIntervalSince($0)) } ?? 0)
        text.family("lethe_deadline_slack_seconds", .gauge, "Time to the earliest deadline of an open request.")
        for kind in RequestKind.allCases {
            guard let due = statistics.earliestDue[kind] else { continue }
            text.sample("lethe_deadline_slack_seconds", [("kind", kind.rawValue)], due.timeIntervalSince(now))
        }
        text.family("lethe_purge_pending", .gauge, "Applied requests whose content an older kept generation holds.")
        text.sample("lethe_purge_pending", [], Double(statistics.awaitingPurge))
        text.family("lethe_db_wal_bytes", .gauge, "Size of the write-ahead log.")
        text.sample("lethe_db_wal_bytes", [], Double(statistics.logBytes))
        text.family("lethe_disk_free_bytes", .gauge, "Free bytes for the data directory.")
        text.sample("lethe_disk_free_bytes", [], Double(statistics.availableBytes))
        text.family("lethe_ready", .gauge, "Whether requests can be worked on.")
        text.sample("lethe_ready", [], await models.readiness().ready ? 1 : 0)
        text.family("lethe_event_streams", .gauge, "Open event streams.")
        text.sample("lethe_event_streams", [], Double(streams.count))
        text.family("lethe_webhooks", .gauge, "Registered webhooks by state.")
        let webhooks = try await database.webhooks()
        for state in WebhookRow.State.allCases {
            let count = webhooks.reduce(0) { $0 + ($1.state == state ? 1 : 0) }
            text.sample("lethe_webhooks", [("state", state.rawValue)], Double(count))
        }
        webhookMetrics.write(to: &text)
        metrics.write(to: &text)

        return Response(
            status: .ok, headers: [.contentType: PrometheusText.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text.text)))
    }
}

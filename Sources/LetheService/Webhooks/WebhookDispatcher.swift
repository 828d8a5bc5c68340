import Foundation
import LetheCore
import LetheStore
import Logging
import ServiceLifecycle

/// Sends events to webhooks: each endpoint gets every event that it asked for at least once, in order.
///
/// An endpoint's place among the events moves, durably, once its receiver has answered with 2xx. A crash between the
/// answer and that commit sends the event again, under the same id. An event that cannot be delivered holds up the
/// later ones of its endpoint, never those of others; when its attempts are used up, the endpoint is disabled and
/// keeps its place.
struct WebhookDispatcher: Service {
    private static let pageSize = 64
    private static let storePause = Duration.seconds(30)

    let database: LetheDatabase
    let sender: WebhookSender
    let metrics: WebhookMetrics
    let logger: Logger
    var clock: any WallClock = SystemClock()

    init(
        database: LetheDatabase, sender: WebhookSender, metrics: WebhookMetrics, logger: Logger,
        clock: any WallClock = SystemClock()
    ) {
        self.database = database
        self.sender = sender
        self.metrics = metrics
        self.logger = logger
        self.clock = clock
    }

    /// Works until the service group shuts down.
    /// - Throws: `sync_failed` when the store cannot be written any more.
    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await dispatch() }
        } catch is CancellationError {}
    }

    private enum Signal: Sendable {
        case event, change, timer
    }

    private func dispatch() async throws {
        let (signals, signal) = AsyncStream.makeStream(of: Signal.self, bufferingPolicy: .bufferingNewest(16))
        let progress = WebhookProgress(concurrency: sender.policy.concurrency)
        let events = database.eventAnnouncements()
        let changes = database.webhookAnnouncements()
        signal.yield(.change)
        await withDiscardingTaskGroup { group in
            group.addTask { for await _ in events { signal.yield(.event) } }
            group.addTask { for await _ in changes { signal.yield(.change) } }
            var targets: [WebhookTarget] = []
            for await kind in signals {
                // An event changes no endpoint: without endpoints that wait for one, nothing is read.
                if kind == .event, targets.isEmpty { continue }
                do {
                    targets = try await database.webhookTargets()
                } catch {
                    guard await pause(after: error, progress) else { break }
                    signal.yield(.change)
                    continue
                }
                let now = clock.now()
                for target in targets where target.nextAt.map({ $0 <= now }) ?? true {
                    guard progress.begin(target.id) else { continue }
                    group.addTask {
                        var mustLookAgain = true
                        do {
                            mustLookAgain = try await deliver(target, progress)
                        } catch {
                            guard await pause(after: error, progress) else { return signal.finish() }
                        }
                        if progress.end(target.id) || mustLookAgain { signal.yield(.change) }
                    }
                }
                let next = targets.filter { !progress.isBusy($0.id) }.compactMap(\.nextAt).min()
                progress.wake(after: next.map { max(0.01, min(3600, $0.timeIntervalSince(now))) }) {
                    signal.yield(.timer)
                }
            }
            progress.wake(after: nil) {}
            group.cancelAll()
        }
        if let failure = progress.failure { throw failure }
    }

    /// Waits a while after the store has failed, so that a full disk does not lead to the same event being sent over
    /// and over.
    /// - Returns: false when there is no use in going on; the error is kept then.
    private func pause(after error: any Error, _ progress: WebhookProgress) async -> Bool {
        guard let known = error as? LetheError, known.code != .syncFailed else {
            progress.fail(error)
            return false
        }
        logger.error("webhooks wait for the store", metadata: ["code": "\(known.code.rawValue)"])
        do { try await Task.sleep(for: Self.storePause) } catch { return false }
        return true
    }

    /// Sends what an endpoint has not had yet, until nothing is left or an attempt fails.
    /// - Returns: whether there was anything to send.
    private func deliver(_ target: WebhookTarget, _ progress: WebhookProgress) async throws -> Bool {
        var cursor = target.cursor
        var hasWorked = false
        while true {
            let start = max(cursor, progress.scanned(target.id))
            let (events, end) = try await database.webhookEvents(
                after: start, states: target.states, limit: Self.pageSize)
            for event in events {
                hasWorked = true
                let message = WebhookMessage(event, endpoint: target.id)
                let outcome = try await sender.send(message, to: target, at: clock.now())
                metrics.count(outcome)
                guard outcome == .delivered else {
                    try await record(outcome, target, cursor: cursor, isFirst: cursor == target.cursor)
                    return true
                }
                try await database.webhookDelivered(target.id, from: cursor, sequence: event.sequence)
                cursor = event.sequence
            }
            progress.scanned(target.id, to: end)
            if events.count < Self.pageSize { return hasWorked }
        }
    }

    private func record(
        _ outcome: WebhookSender.Outcome, _ target: WebhookTarget, cursor: Int64, isFirst: Bool
    ) async throws {
        guard case .failed(let failure, let status, let asked) = outcome else { return }
        // Attempts before this one count only when they were at the same event.
        let attempts = isFirst ? target.attempts : 0
        var retryAt: Date?
        if failure != .gone, attempts < sender.policy.waits.count {
            let wait = max(sender.policy.waits[attempts].seconds * Double.random(in: 0.8...1.2), asked?.seconds ?? 0)
            retryAt = clock.now().addingTimeInterval(wait)
        }
        try await database.webhookFailed(target.id, at: cursor, failure, status: status, retryAt: retryAt)
        var metadata: Logger.Metadata = [
            "webhook": "\(target.id)", "failure": "\(failure.rawValue)", "attempt": "\(attempts + 1)",
        ]
        if let status { metadata["status"] = "\(status)" }
        if retryAt == nil {
            logger.error("webhook disabled", metadata: metadata)
        } else {
            logger.warning("webhook not delivered", metadata: metadata)
        }
    }
}

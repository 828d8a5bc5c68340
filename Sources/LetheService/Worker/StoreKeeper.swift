import Foundation
import LetheCore
import LetheStore
import Logging
import ServiceLifecycle

/// Destroys request text and deletes superseded generations once their time is over: at start, and then every hour.
struct StoreKeeper: Service {
    /// Seconds between two rounds.
    static let interval: Duration = .seconds(3600)

    let maintenance: StoreMaintenance
    var clock: any WallClock = SystemClock()
    let logger: Logger

    /// Works until the service group shuts down.
    /// - Throws: `sync_failed` when the store cannot be written any more.
    func run() async throws {
        try await AuditActor.$current.withValue(.keeper) { try await keep() }
    }

    private func keep() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    let report = try await maintenance.run(at: clock.now())
                    if !report.destroyed.isEmpty || !report.deleted.isEmpty {
                        logger.info(
                            "retention",
                            metadata: [
                                "texts_destroyed": "\(report.destroyed.count)",
                                "requests_purged": "\(report.purged.count)",
                            ])
                    }
                } catch let error as LetheError where error.code != .syncFailed {
                    logger.error("retention failed", metadata: ["error": "\(error.description)"])
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }
}

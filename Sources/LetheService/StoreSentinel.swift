import LetheStore
import ServiceLifecycle

/// Ends the daemon as soon as its store has to stop writing, whoever met the failure: after a failed fsync only a new
/// start can tell what is on disk.
struct StoreSentinel: Service {
    let database: LetheDatabase

    /// Waits until the service group shuts down.
    /// - Throws: what made the store stop.
    func run() async throws {
        try await cancelWhenGracefulShutdown {
            if let failure = await database.nextFailure() { throw failure }
        }
    }
}

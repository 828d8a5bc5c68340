import LetheStore
import ServiceLifecycle

/// Feeds the service manager's watchdog for as long as the store can be read and written, and says when the daemon
/// stops.
struct WatchdogFeeder: Service {
    let notifier: ServiceNotifier
    let database: LetheDatabase

    /// Works until the service group shuts down.
    func run() async throws {
        if let interval = notifier.watchdogInterval {
            await cancelWhenGracefulShutdown {
                while !Task.isCancelled {
                    if database.failure == nil, (try? await database.statistics()) != nil {
                        notifier.send("WATCHDOG=1")
                    }
                    try? await Task.sleep(for: interval)
                }
            }
        } else {
            try? await gracefulShutdown()
        }
        notifier.send("STOPPING=1")
    }
}

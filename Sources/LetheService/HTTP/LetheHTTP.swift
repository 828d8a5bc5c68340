import Foundation
import Hummingbird
import HummingbirdCore
import LetheCore
import LetheStore
import Logging
import NIOCore
import ServiceLifecycle

/// The daemon's HTTP interface.
public enum LetheHTTP {
    /// The application: a `Service` that listens when it is run, and stops accepting, ends event streams and finishes
    /// what is under way when its service group shuts down.
    ///
    /// - Parameters:
    ///   - database: An open store; it has to outlive the service.
    ///   - models: The process's models and worker.
    ///   - configuration: Where to listen, and the bounds.
    ///   - clock: Gives the time for ages in `/metrics`.
    ///   - logger: Where requests and faults are logged: methods, route templates, codes and ids, never content.
    ///   - onListening: Called once with the port that was bound, which is how port 0 becomes known.
    /// - Throws: `forbidden` for an address that is not loopback, `usage` for an impossible port. A port that is in
    ///   use is an error of the service's `run()`.
    public static func application(
        database: LetheDatabase, models: any ServedModels, configuration: HTTPConfiguration = HTTPConfiguration(),
        clock: any WallClock = SystemClock(), logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) throws -> some ApplicationProtocol {
        let (host, port) = try configuration.bindAddress()
        let limits = configuration.limits
        let api = API(database: database, models: models, configuration: configuration, clock: clock)
        return Application(
            router: api.router(),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [ConnectionGuard(limits: limits)],
                    idleTimeout: TimeAmount(limits.idleTimeout),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 2 * limits.headerBytes, maxHeaderListSize: 4 * limits.headerBytes,
                        maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger)
    }

    /// Every operation that an application answers to, as method and path template.
    package static func operations(database: LetheDatabase, models: any ServedModels) -> [(
        method: String, template: String
    )] {
        API(database: database, models: models, configuration: HTTPConfiguration(), clock: SystemClock())
            .operations.map { ($0.method.rawValue, $0.template) }
    }
}

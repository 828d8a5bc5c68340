import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
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
    /// - Throws: `forbidden` for an address that others can reach without keys and TLS, `usage` for an impossible
    ///   port, what the TLS files throw. A port that is in use is an error of the service's `run()`.
    public static func application(
        database: LetheDatabase, models: any ServedModels, configuration: HTTPConfiguration = HTTPConfiguration(),
        clock: any WallClock = SystemClock(), logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) throws -> some ApplicationProtocol {
        try application(
            database: database, models: models, configuration: configuration, clock: clock,
            webhookMetrics: WebhookMetrics(), logger: logger, onListening: onListening)
    }

    static func application(
        database: LetheDatabase, models: any ServedModels, configuration: HTTPConfiguration, clock: any WallClock,
        webhookMetrics: WebhookMetrics, certificates: ServedCertificates? = nil, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void
    ) throws -> some ApplicationProtocol {
        let (host, port) = try configuration.bindAddress(hasKeys: database.hasKeys)
        let limits = configuration.limits
        let api = API(
            database: database, models: models, configuration: configuration, clock: clock,
            webhookMetrics: webhookMetrics)
        var server = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ConnectionGuard(limits: limits)],
                idleTimeout: TimeAmount(limits.idleTimeout),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 2 * limits.headerBytes, maxHeaderListSize: 4 * limits.headerBytes,
                    maxHeaderFieldCount: 100)))
        if configuration.tls != nil {
            let certificates = try certificates ?? configuration.tls.map { try ServedCertificates($0) }
            if let certificates { server = try .tls(server, tlsConfiguration: certificates.configuration()) }
        }
        return Application(
            router: api.router(),
            server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: logger)),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger)
    }

    /// The service that sends events to webhooks.
    /// - Parameter resolve: gives the addresses of a name, as text; the system's resolver unless given.
    package static func webhookDispatcher(
        database: LetheDatabase, policy: WebhookPolicy, logger: Logger,
        resolve: (@Sendable (String) async -> [String])? = nil
    ) -> some Service {
        var sender = WebhookSender(policy: policy)
        if let resolve { sender.resolve = { await resolve($0).compactMap { PublicAddress($0) } } }
        return WebhookDispatcher(database: database, sender: sender, metrics: WebhookMetrics(), logger: logger)
    }

    /// Every operation that an application answers to, as method and path template.
    package static func operations(database: LetheDatabase, models: any ServedModels) -> [(
        method: String, template: String
    )] {
        API(database: database, models: models, configuration: HTTPConfiguration(), clock: SystemClock())
            .operations.map { ($0.method.rawValue, $0.template) }
    }

    /// The operations of which it is said what they ask for, as in `GET /livez`.
    package static var declaredAccess: Set<String> { Set(RouteTable.access.keys) }

    /// The scope that an operation asks for.
    /// - Returns: nil when nothing is said about the operation, which is then refused to everybody;
    ///   `(isOpen: true, nil)` when it is open.
    package static func access(method: String, template: String) -> (isOpen: Bool, scope: AccessScope?)? {
        switch HTTPRequest.Method(method).flatMap({ RouteTable.access($0, template) }) {
        case .open: (true, nil)
        case .scope(let scope): (false, scope)
        case nil: nil
        }
    }
}

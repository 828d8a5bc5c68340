import Foundation
import LetheCore
import LetheModel
import LetheStore
import Logging
import ServiceLifecycle
import UnixSignals

/// The whole service in one process: store, worker and HTTP.
public struct Daemon: Sendable {
    /// What an operator sets.
    public struct Configuration: Sendable {
        /// The folder of the store.
        public var dataDirectory: URL
        /// Where and how it listens.
        public var http: HTTPConfiguration
        /// Folder of a sentence encoder for the redundancy filter.
        public var encoder: URL?
        /// Keep texts for every request.
        public var keep: [ForgetItem] = []
        /// Threads of the engine.
        public var threads: Int?
        /// How models are kept and computed with.
        public var loading = ModelLoader.Options()
        /// How long request text and superseded generations are kept.
        public var retention = StoreMaintenance.Policy()
        /// When submissions are refused.
        public var admission = AdmissionLimits()
        /// What an update has to show before it is published.
        public var policy = GatePolicy()

        /// A daemon on a data directory.
        public init(dataDirectory: URL, http: HTTPConfiguration) {
            self.dataDirectory = dataDirectory
            self.http = http
        }
    }

    private let configuration: Configuration
    private let logger: Logger

    /// Prepares a daemon.
    public init(_ configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Recovers the store, then serves until SIGTERM or SIGINT.
    /// - Parameter onListening: called with the port once connections are accepted.
    /// - Throws: `unavailable` when another daemon holds the directory, what recovery throws, `sync_failed` when the
    ///   disk can no longer be trusted.
    public func run(onListening: @escaping @Sendable (_ port: Int) async -> Void) async throws {
        try await AuditActor.$current.withValue(.daemon) { try await serve(onListening) }
    }

    private func serve(_ onListening: @escaping @Sendable (_ port: Int) async -> Void) async throws {
        _ = try configuration.http.bindAddress(hasKeys: nil)
        let directory = try DataDirectory(configuration.dataDirectory)
        let database = try LetheDatabase(directory: directory, admission: configuration.admission)
        _ = try configuration.http.bindAddress(hasKeys: database.hasKeys)
        let generations = GenerationStore(directory: directory)
        logger.info(
            "store opened",
            metadata: ["sqlite": "\(LetheDatabase.sqliteVersion)", "version": "\(configuration.http.version)"])
        let isOpen = !configuration.http.needsKeys && !database.hasKeys
        logger.info(
            "access",
            metadata: [
                "api_keys": "\(isOpen ? "none, open to this machine" : "required")",
                "tls": "\(configuration.http.tls == nil ? "no" : "yes")",
            ])
        let report = try await StoreRecovery(database: database, generations: generations).run()
        var isDegraded = false
        for (model, head) in report.heads {
            if case .damaged(let error) = head {
                isDegraded = true
                logger.error("head generation damaged", metadata: ["model": "\(model)", "error": "\(error.message)"])
            }
        }
        if !report.rescued.isEmpty {
            logger.notice("requests taken back", metadata: ["count": "\(report.rescued.count)"])
        }
        let worker = RequestWorker(
            database: database, generations: generations, encoder: configuration.encoder, keep: configuration.keep,
            threads: configuration.threads, policy: configuration.policy, loading: configuration.loading,
            isDegraded: isDegraded,
            codeVersion: configuration.http.version, logger: logger)
        let keeper = StoreKeeper(
            maintenance: StoreMaintenance(
                database: database, generations: generations, policy: configuration.retention),
            logger: logger)
        let notifier = ServiceNotifier()
        let webhookMetrics = WebhookMetrics()
        let dispatcher = WebhookDispatcher(
            database: database, sender: WebhookSender(policy: configuration.http.webhooks), metrics: webhookMetrics,
            logger: logger)
        let certificates = try configuration.http.tls.map { try ServedCertificates($0) }
        let server = try LetheHTTP.application(
            database: database, models: worker, configuration: configuration.http, clock: SystemClock(),
            webhookMetrics: webhookMetrics, certificates: certificates, logger: logger,
            onListening: { port in
                notifier.send("READY=1")
                await onListening(port)
            })
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: keeper),
                    .init(service: dispatcher),
                    .init(service: WatchdogFeeder(notifier: notifier, database: database)),
                    .init(service: CertificateReloader(certificates: certificates, logger: logger)),
                    .init(
                        service: StoreSentinel(database: database),
                        failureTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: server),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
        try database.close()
    }
}

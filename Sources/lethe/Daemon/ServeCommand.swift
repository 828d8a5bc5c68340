import ArgumentParser
import Foundation
import LetheCore
import LetheService
import LetheStore
import Logging

/// `lethe serve`: the daemon.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the daemon.",
        discussion: """
            Once it accepts connections it writes one line {"listening":"http://..."} to standard output; everything \
            else goes to standard error. SIGTERM gives the request under way back and ends it.
            """)

    @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
    var dataDir: String?
    @Option(help: "The address to listen on; another than loopback needs API keys, and TLS or a proxy.")
    var host = "127.0.0.1"
    @Option(help: "The port; 0 takes a free one.")
    var port = 8475
    @Flag(help: "Answer only callers with an API key, even on loopback.")
    var requireKeys = false
    @Flag(help: "A reverse proxy on the way ends TLS. Needs API keys; callers' addresses count for nothing then.")
    var behindProxy = false
    @Option(help: "PEM file with the certificate chain, for TLS without a proxy.")
    var tlsCertificate: String?
    @Option(help: "PEM file with the private key of the certificate.")
    var tlsKey: String?
    @Option(help: "Calls a second with one API key; more is 429.")
    var rateLimit = 200.0
    @Option(help: "Calls a minute from one address without a valid key that get a 401; more is 429.")
    var authFailureLimit = 10.0
    @Option(help: "Requests that may wait; further submissions are 429.")
    var maxPending = 200_000
    @Option(help: "Megabytes that have to stay free on the disk; with fewer, submissions are 507.")
    var minFreeMegabytes = 64
    @Flag(help: "Allow webhooks on this machine's loopback addresses, without TLS too.")
    var allowInsecureWebhooks = false
    @Option(help: "Folder of a sentence encoder for the redundancy filter.")
    var encoder: String?
    @Option(help: "JSON Lines of texts whose behaviour every update should keep.")
    var keep: String?
    @Option(help: "JSON file with what an update has to show before it is published.")
    var policy: String?
    @Option(help: "Threads of the engine; all processors unless given.")
    var threads: Int?
    @OptionGroup var compute: ComputeOptions
    @Option(help: "Days after which the text of an ended request is destroyed.")
    var textRetentionDays = 7.0
    @Option(help: "Days after which a superseded generation is deleted; kept for good unless given.")
    var generationRetentionDays: Double?
    @Option(help: "trace, debug, info, notice, warning or error.")
    var logLevel = "info"

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
        for days in [textRetentionDays, generationRetentionDays ?? 0] {
            guard days.isFinite, (0...36_500).contains(days) else {
                throw ValidationError("retention days must be from 0 to 36500")
            }
        }
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-certificate and --tls-key go together")
        }
        guard rateLimit.isFinite, (0.01...1_000_000).contains(rateLimit) else {
            throw ValidationError("--rate-limit must be from 0.01 to 1000000")
        }
        guard authFailureLimit.isFinite, (1...1_000_000).contains(authFailureLimit) else {
            throw ValidationError("--auth-failure-limit must be from 1 to 1000000")
        }
        guard (1...1_000_000_000).contains(maxPending) else {
            throw ValidationError("--max-pending must be from 1 to 1000000000")
        }
        guard (0...1_000_000_000).contains(minFreeMegabytes) else {
            throw ValidationError("--min-free-megabytes must be from 0 to 1000000000")
        }
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level must be trace, debug, info, notice, warning or error")
        }
    }

    func run() async throws {
        let level = Logger.Level(rawValue: logLevel) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        var configuration = Daemon.Configuration(
            dataDirectory: StoreAccess.directory(dataDir),
            http: HTTPConfiguration(host: host, port: port, version: ProductVersion.current))
        configuration.http.requireKeys = requireKeys
        configuration.http.behindProxy = behindProxy
        if let tlsCertificate, let tlsKey {
            configuration.http.tls = TLSFiles(
                certificate: URL(fileURLWithPath: tlsCertificate), key: URL(fileURLWithPath: tlsKey))
        }
        configuration.http.limits.keyRate = RateLimit(perSecond: rateLimit, burst: 2 * rateLimit)
        configuration.http.limits.addressRate = RateLimit(perSecond: 2 * rateLimit, burst: 4 * rateLimit)
        configuration.http.limits.failureRate = RateLimit(perSecond: authFailureLimit / 60, burst: authFailureLimit)
        configuration.http.webhooks.allowsLoopback = allowInsecureWebhooks
        configuration.admission.pending = maxPending
        configuration.admission.freeBytes = minFreeMegabytes << 20
        configuration.encoder = encoder.map { URL(fileURLWithPath: $0, isDirectory: true) }
        configuration.keep = try keep.map { try JSONLines.items(in: $0) } ?? []
        configuration.policy = try policy.map { try GatePolicy(contentsOf: URL(fileURLWithPath: $0)) } ?? GatePolicy()
        configuration.threads = threads
        configuration.loading = try compute.loading()
        configuration.retention.textRetention = textRetentionDays * 86_400
        configuration.retention.generationRetention = generationRetentionDays.map { $0 * 86_400 }
        let host = host.contains(":") ? "[\(host)]" : host
        let scheme = configuration.http.tls == nil ? "http" : "https"
        try await Daemon(configuration, logger: Logger(label: "lethe")).run { port in
            ClientOutput.line(.object(JSONObject([("listening", .string("\(scheme)://\(host):\(port)"))])))
        }
    }
}

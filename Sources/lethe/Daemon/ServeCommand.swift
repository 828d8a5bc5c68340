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
    @Option(help: "The loopback address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "The port; 0 takes a free one.")
    var port = 8475
    @Option(help: "Folder of a sentence encoder for the redundancy filter.")
    var encoder: String?
    @Option(help: "JSON Lines of texts whose behaviour every update should keep.")
    var keep: String?
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
        configuration.encoder = encoder.map { URL(fileURLWithPath: $0, isDirectory: true) }
        configuration.keep = try keep.map { try JSONLines.items(in: $0) } ?? []
        configuration.threads = threads
        configuration.loading = try compute.loading()
        configuration.retention.textRetention = textRetentionDays * 86_400
        configuration.retention.generationRetention = generationRetentionDays.map { $0 * 86_400 }
        let host = host.contains(":") ? "[\(host)]" : host
        try await Daemon(configuration, logger: Logger(label: "lethe")).run { port in
            ClientOutput.line(.object(JSONObject([("listening", .string("http://\(host):\(port)"))])))
        }
    }
}

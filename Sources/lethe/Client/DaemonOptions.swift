import ArgumentParser
import Foundation
import LetheCore
import LetheService

/// Where the daemon is; shared by the commands that talk to it.
struct DaemonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's address.",
            discussion: "Also read from LETHE_URL; \(DaemonClient.defaultURL) when neither is given."))
    var url: String?

    @Option(help: "Seconds that one call may take.")
    var timeout: Int = 30

    @Option(
        help: ArgumentHelp(
            "A file that holds the API key.",
            discussion: "The key itself is also read from LETHE_API_KEY; it is never an argument."))
    var apiKeyFile: String?

    @Option(
        help: ArgumentHelp(
            "A PEM file with the certificates to trust, instead of the system's.",
            discussion: "Also read from LETHE_CA_FILE."))
    var caFile: String?

    func validate() throws {
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout must be from 1 to 3600") }
    }

    /// A client for the daemon that the options and the environment name.
    /// - Throws: `usage` for an address that is none, `missing_input` for a file that cannot be read.
    func client() throws -> DaemonClient {
        try DaemonClient(
            url: url ?? Self.environment("LETHE_URL") ?? DaemonClient.defaultURL, timeout: .seconds(timeout),
            apiKey: try apiKey(), authorities: caFile ?? Self.environment("LETHE_CA_FILE"))
    }

    private func apiKey() throws -> Sensitive<String>? {
        guard let apiKeyFile else { return Self.environment("LETHE_API_KEY").map(Sensitive.init) }
        guard let handle = FileHandle(forReadingAtPath: apiKeyFile), let data = try? handle.read(upToCount: 4096)
        else { throw LetheError(.missingInput, "the file of --api-key-file cannot be read") }
        return Sensitive(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

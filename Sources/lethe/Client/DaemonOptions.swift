import ArgumentParser
import Foundation
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

    func validate() throws {
        guard (1...3600).contains(timeout) else { throw ValidationError("--timeout must be from 1 to 3600") }
    }

    /// A client for the daemon that the options and the environment name.
    /// - Throws: `usage` for an address that is none.
    func client() throws -> DaemonClient {
        let environment = ProcessInfo.processInfo.environment["LETHE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        return try DaemonClient(url: url ?? environment ?? DaemonClient.defaultURL, timeout: .seconds(timeout))
    }
}

import ArgumentParser
import LetheCore

/// `lethe requests`: shows and steers the daemon's requests.
struct RequestsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requests",
        abstract: "Show, follow, cancel and retry the daemon's requests.",
        subcommands: [
            RequestsListCommand.self, RequestsShowCommand.self, RequestsWatchCommand.self, RequestsCancelCommand.self,
            RequestsRetryCommand.self, RequestsCertificateCommand.self,
        ])

    /// - Throws: exit code 1 when a request that has ended is not in effect.
    static func requireApplied(_ request: JSONValue) throws {
        let state = request["state"]?.stringValue.flatMap(RequestState.init(rawValue:))
        guard state == .applied || state == .purged else { throw ExitCode(1) }
    }
}

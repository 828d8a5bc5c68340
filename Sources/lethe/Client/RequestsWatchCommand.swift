import ArgumentParser
import LetheCore
import LetheService

/// `lethe requests watch`.
struct RequestsWatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Follow the events of a request until it has ended.",
        discussion: """
            Goes on through restarts of the daemon. Interrupting this command does not touch the request. Exits with 1 \
            when the request ended without being applied.
            """)

    @Argument(help: "The request's id.")
    var id: String

    @Option(help: "Only events with a larger sequence.")
    var after: Int = 0

    @Flag(help: "Write each event as JSON on a line of its own.")
    var json = false

    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        guard after >= 0 else { throw ValidationError("--after must not be negative") }
    }

    func run() async throws {
        let client = try daemon.client()
        let asJSON = json
        try await client.watch(id, after: after) { event in
            if asJSON { ClientOutput.line(event) } else { ClientOutput.line(RequestText.event(event)) }
        }
        let request = try await client.request(id)
        ClientOutput.note(RequestText.summary(request))
        try RequestsCommand.requireApplied(request)
    }
}

import ArgumentParser
import LetheService

/// `lethe requests retry`.
struct RequestsRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Put a failed request back into the queue.")

    @Argument(help: "The request's id.")
    var id: String

    @Flag(help: "Write the request as JSON.")
    var json = false

    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        let request = try await daemon.client().retry(id)
        if json { ClientOutput.document(request) } else { ClientOutput.line(RequestText.summary(request)) }
    }
}

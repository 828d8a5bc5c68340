import ArgumentParser
import LetheService

/// `lethe requests cancel`.
struct RequestsCancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel a request that is not in effect yet.")

    @Argument(help: "The request's id.")
    var id: String

    @Flag(help: "Write the request as JSON.")
    var json = false

    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        let request = try await daemon.client().cancel(id)
        if json { ClientOutput.document(request) } else { ClientOutput.line(RequestText.summary(request)) }
    }
}

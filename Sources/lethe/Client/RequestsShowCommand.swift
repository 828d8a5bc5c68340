import ArgumentParser
import LetheService

/// `lethe requests show`.
struct RequestsShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one request.")

    @Argument(help: "The request's id.")
    var id: String

    @Flag(help: "Write the request as JSON.")
    var json = false

    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        let request = try await daemon.client().request(id)
        if json {
            ClientOutput.document(request)
        } else {
            RequestText.details(request).forEach { ClientOutput.line($0) }
        }
    }
}

import ArgumentParser
import LetheCore
import LetheService

extension RequestState: ExpressibleByArgument {}
extension RequestCategory: ExpressibleByArgument {}

/// `lethe requests list`.
struct RequestsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List requests, newest first.")

    @Option(help: "Only requests in this state.")
    var state: RequestState?

    @Option(help: "Only requests of this category.")
    var category: RequestCategory?

    @Option(help: "Only requests for this model.")
    var model: String?

    @Option(help: "The most requests to list; 1 to 200.")
    var limit: Int?

    @Option(help: "Go on after the page that named this cursor.")
    var cursor: String?

    @Flag(help: "List all pages.")
    var all = false

    @Flag(help: "Write the API's JSON; with --all one request on a line.")
    var json = false

    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        let client = try daemon.client()
        var query = DaemonClient.ListQuery()
        query.state = state?.rawValue
        query.category = category?.rawValue
        query.model = model
        query.limit = limit ?? (all ? 200 : nil)
        query.cursor = cursor
        var page = try await client.list(query)
        if json && !all {
            ClientOutput.document(page.json)
            return
        }
        var requests = page.items
        while all, let next = page.next {
            if json { page.items.forEach { ClientOutput.line($0) } }
            query.cursor = next
            page = try await client.list(query)
            requests = json ? page.items : requests + page.items
        }
        if json {
            requests.forEach { ClientOutput.line($0) }
        } else {
            RequestText.table(requests).forEach { ClientOutput.line($0) }
            if let next = page.next { ClientOutput.note("more with --cursor \(next)") }
        }
    }
}

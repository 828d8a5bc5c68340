import ArgumentParser
import LetheCore
import LetheService

/// `lethe webhooks`: who is told what happens to requests.
struct WebhooksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhooks", abstract: "Register, list, enable and remove webhooks.",
        discussion: """
            Works on the data directory while no daemon runs, and through the daemon while one does.
            """,
        subcommands: [Add.self, List.self, Enable.self, Remove.self])

    /// `lethe webhooks add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a webhook, and write its signing secret to standard output this once.")

        @Argument(help: "The https address that events are sent to.")
        var address: String
        @Option(name: .customLong("state"), help: "A state whose events are sent; repeat for more, all unless given.")
        var states: [RequestState] = []
        @Flag(help: "On the data directory: allow this machine's loopback addresses. A daemon has its own option.")
        var allowInsecureWebhooks = false
        @Flag(help: "Write the secret and the webhook as JSON.")
        var json = false
        @OptionGroup var store: StoreOptions

        func run() async throws {
            var policy = WebhookPolicy()
            policy.allowsLoopback = allowInsecureWebhooks
            let made = try await store.open().createWebhook(
                url: address, states: states.isEmpty ? nil : states.map(\.rawValue), policy: policy)
            if json { return ClientOutput.document(made) }
            ClientOutput.line(made["secret"]?.stringValue ?? "")
            ClientOutput.note(
                "this is the only time that the secret of webhook \(made["id"]?.stringValue ?? "") is shown")
        }
    }

    /// `lethe webhooks list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the webhooks and how their deliveries stand.")

        @Flag(help: "Write JSON.")
        var json = false
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let webhooks = try await store.open().webhooks()
            if json { return ClientOutput.document(webhooks) }
            for webhook in webhooks["data"]?.arrayValue ?? [] {
                let failure = webhook["failure"]?.stringValue.map { "  \($0)" } ?? ""
                ClientOutput.line(
                    "\(webhook["id"]?.stringValue ?? "?")  \(webhook["state"]?.stringValue ?? "?")  "
                        + "\(webhook["delivered"]?.intValue ?? 0) delivered  "
                        + "\(webhook["failed_attempts"]?.intValue ?? 0) failed attempts\(failure)  "
                        + (webhook["url"]?.stringValue ?? "?"))
            }
        }
    }

    /// `lethe webhooks enable`.
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start deliveries again at the first event that was not delivered.")

        @Argument(help: "The webhook's id.")
        var id: String
        @OptionGroup var store: StoreOptions

        func run() async throws {
            _ = try await store.open().enableWebhook(id)
            ClientOutput.line("\(id): active")
        }
    }

    /// `lethe webhooks remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forget a webhook.")

        @Argument(help: "The webhook's id.")
        var id: String
        @OptionGroup var store: StoreOptions

        func run() async throws {
            try await store.open().deleteWebhook(id)
            ClientOutput.line("\(id): removed")
        }
    }
}

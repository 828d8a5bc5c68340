import ArgumentParser
import Foundation
import LetheCore
import LetheStore

extension AccessScope: ExpressibleByArgument {}
extension AccessRole: ExpressibleByArgument {}

/// `lethe keys`: who may call the daemon.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make, list and revoke API keys.",
        discussion: """
            Works on the data directory while no daemon runs, and through the daemon while one does. From the first key \
            on, every call to the daemon needs one.
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    /// `lethe keys create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an API key, and write it to standard output this once.")

        @Option(help: "What the key is for. Shown in lists: no personal data.")
        var name: String
        @Option(
            name: .customLong("scope"),
            help: ArgumentHelp(
                "What it allows; repeat for more.",
                discussion: AccessScope.allCases.map(\.rawValue).joined(separator: ", ")))
        var scopes: [AccessScope] = []
        @Option(
            name: .customLong("role"),
            help: ArgumentHelp(
                "The scopes of a role; repeat for more.",
                discussion: AccessRole.allCases.map(\.rawValue).joined(separator: ", ")))
        var roles: [AccessRole] = []
        @Option(help: "Days after which it stops working; never unless given.")
        var expiresInDays: Double?
        @Flag(help: "Write the key and what is known of it as JSON.")
        var json = false
        @OptionGroup var store: StoreOptions

        func validate() throws {
            guard !scopes.isEmpty || !roles.isEmpty else { throw ValidationError("give --scope or --role") }
            if let expiresInDays, !(expiresInDays > 0 && expiresInDays <= 36_500) {
                throw ValidationError("--expires-in-days must be over 0 and at most 36500")
            }
        }

        func run() async throws {
            let all = roles.reduce(Set(scopes)) { $0.union($1.scopes) }
            let key = NewAPIKey(
                name: name, scopes: all, expiresAt: expiresInDays.map { Date(timeIntervalSinceNow: $0 * 86_400) })
            let made = try await store.open().createKey(key)
            if json { return ClientOutput.document(made) }
            ClientOutput.line(made["key"]?.stringValue ?? "")
            ClientOutput.note("this is the only time that the key \(made["id"]?.stringValue ?? "") is shown")
        }
    }

    /// `lethe keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the API keys, without their secrets.")

        @Flag(help: "Write JSON.")
        var json = false
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let keys = try await store.open().keys()
            if json { return ClientOutput.document(keys) }
            for key in keys["data"]?.arrayValue ?? [] {
                let scopes = key["scopes"]?.arrayValue?.compactMap(\.stringValue).joined(separator: " ") ?? ""
                let end =
                    key["revoked_at"]?.stringValue.map { "revoked \($0)" }
                    ?? key["expires_at"]?.stringValue.map { "until \($0)" } ?? "no end"
                let use = key["last_used_at"]?.stringValue.map { "used \($0)" } ?? "never used"
                ClientOutput.line(
                    "\(key["id"]?.stringValue ?? "?")  \(key["name"]?.stringValue ?? "?")  \(scopes)  \(end)  \(use)")
            }
        }
    }

    /// `lethe keys revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke an API key, at once and for good.")

        @Argument(help: "The key's id: the part between the first two underscores of the key.")
        var id: String
        @OptionGroup var store: StoreOptions

        func run() async throws {
            try await store.open().revokeKey(id)
            ClientOutput.line("\(id): revoked")
        }
    }
}

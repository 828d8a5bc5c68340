import ArgumentParser
import Foundation
import LetheCore
import LetheService

/// `lethe submit`: sends a deletion request to the daemon.
struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Submit a deletion request to the daemon.",
        discussion: """
            The file holds the JSON of POST /v1/requests. Once this command has succeeded, the request is on the \
            daemon's disk. Repeat it with the same --idempotency-key after a lost connection: it is accepted once.
            """)

    @Argument(help: "The JSON file, or - for standard input.")
    var file: String

    @Option(help: "Names this submission; a random UUID unless given.")
    var idempotencyKey: String?

    @Flag(help: "Follow the request until it has ended; exit with 1 unless it was applied.")
    var wait = false

    @Flag(help: "Only say what the request would do and cost; nothing is stored.")
    var dryRun = false

    @Flag(help: "Write the request as JSON.")
    var json = false

    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        guard !(dryRun && wait) else { throw ValidationError("--dry-run and --wait exclude each other") }
    }

    func run() async throws {
        let client = try daemon.client()
        let body = try Self.read(file)
        if dryRun {
            let plan = try await client.submit(
                body, idempotencyKey: UUID().uuidString.lowercased(), isDryRun: true)
            if json { return ClientOutput.document(plan) }
            for line in RequestText.details(plan) { ClientOutput.line(line) }
            return
        }
        let key = idempotencyKey ?? UUID().uuidString.lowercased()
        var request: JSONValue
        do {
            request = try await client.submit(body, idempotencyKey: key)
        } catch let error as LetheError where error.code == .unavailable && idempotencyKey == nil {
            ClientOutput.note("to repeat this submission: --idempotency-key \(key)")
            throw error
        }
        guard let id = request["id"]?.stringValue else {
            throw LetheError(.unavailable, "the answer is not one of a Lethe daemon; is the URL right?")
        }
        if wait {
            ClientOutput.note(RequestText.summary(request))
            try await client.watch(id) { ClientOutput.note(RequestText.event($0)) }
            request = try await client.request(id)
        }
        if json { ClientOutput.document(request) } else { ClientOutput.line(RequestText.summary(request)) }
        if wait { try RequestsCommand.requireApplied(request) }
    }

    /// The bytes of a file or of standard input.
    /// - Throws: `missingInput` when it cannot be read, `limitExceeded` when it is over the daemon's limit.
    private static func read(_ file: String) throws -> Data {
        let limit = RequestLimits.default.bodyBytes
        let handle: FileHandle
        if file == "-" {
            handle = .standardInput
        } else {
            guard let opened = FileHandle(forReadingAtPath: file) else {
                throw LetheError(.missingInput, "the request file cannot be read")
            }
            handle = opened
        }
        var data = Data()
        do {
            // A pipe gives what it has at the moment: read until nothing comes any more.
            while let piece = try handle.read(upToCount: limit + 1), !piece.isEmpty {
                data.append(piece)
                guard data.count <= limit else {
                    throw LetheError(.limitExceeded, "the request is over \(limit) bytes")
                }
            }
        } catch let error where !(error is LetheError) {
            throw LetheError(.missingInput, "the request file cannot be read")
        }
        return data
    }
}

import ArgumentParser
import Foundation
import LetheCore
import LetheService
import Synchronization

/// `lethe model pull`: brings a model from a hub.
struct ModelPullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Fetch a model from a Hugging Face hub into a folder.",
        discussion: """
            Takes config.json, tokenizer.json and the safetensors weights, or one .gguf file. Every file is checked \
            against the checksum that the hub lists; the folder appears once all of it is there and right. Give the \
            same command again after an interruption: it goes on where it was. Then: lethe model import FOLDER --name \
            NAME.

            A token for private and gated models is read from HF_TOKEN, and sent to the hub only. Proxies are taken \
            from the environment as curl does.
            """)

    @Argument(help: "OWNER/NAME, or OWNER/NAME@ with a branch, a tag or a commit.")
    var model: String
    @Option(help: "The folder to make; NAME in the current folder unless given.")
    var out: String?
    @Option(help: "A .gguf file of the repository, to have that alone.")
    var gguf: String?
    @Option(
        help: ArgumentHelp(
            "The hub's address.",
            discussion: "Also read from HF_ENDPOINT; \(HubEndpoint.defaultURL) when neither is given."))
    var endpoint: String?
    @Option(help: "A PEM file with the certificates to trust, instead of the system's.")
    var caFile: String?
    @Option(help: "Tries in a row that may bring nothing before this gives up.")
    var attempts = HubRetry().attempts
    @Flag(help: "Only show which files the repository has.")
    var list = false
    @Flag(help: "Write JSON.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(attempts) else { throw ValidationError("--attempts must be from 1 to 1000") }
    }

    func run() async throws {
        let reference = try HubReference(model)
        var retry = HubRetry()
        retry.attempts = attempts
        let pull = HubPull(
            reference,
            from: try HubEndpoint(
                url: endpoint ?? Self.environment("HF_ENDPOINT") ?? HubEndpoint.defaultURL,
                token: Self.environment("HF_TOKEN").map(Sensitive.init), authorities: caFile),
            retry: retry)
        if list { return show(try await pull.listing()) }
        let folder = URL(fileURLWithPath: out ?? reference.name, isDirectory: true)
        let bar = Mutex(ProgressBar("pull"))
        let snapshot = try await pull.run(to: folder, gguf: gguf) { progress in
            let share = progress.total > 0 ? Double(progress.done) / Double(progress.total) : nil
            let detail = "\(progress.done >> 20) of \(progress.total >> 20) MiB, \(progress.file)"
            bar.withLock { $0.update(share: share, secondsLeft: nil, detail) }
        }
        bar.withLock { $0.finish() }
        if json {
            var object = snapshot.json.objectValue ?? JSONObject()
            object["folder"] = .string(folder.path)
            object["was_there"] = .bool(snapshot.wasThere)
            return ClientOutput.document(.object(object))
        }
        let bytes = snapshot.files.reduce(0) { $0 + $1.size }
        ClientOutput.line(
            "\(folder.path): \(snapshot.files.count) files, \(bytes) bytes, commit \(snapshot.commit)"
                + (snapshot.wasThere ? ", was there already" : ""))
    }

    private func show(_ listing: HubListing) {
        if json {
            let files = listing.files.map { file -> JSONValue in
                ["path": .string(file.name), "bytes": .integer(Int64(file.size))]
            }
            return ClientOutput.document(["commit": .string(listing.commit), "files": .array(files)])
        }
        for file in listing.files { ClientOutput.line("\(file.size)\t\(file.name)") }
    }

    private static func environment(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

import ArgumentParser
import Foundation
import LetheCore
import LetheCorpus
import LetheEvaluation
import LetheModel
import LetheService
import LetheStore
import LetheTensor
import LetheUnlearning

/// `lethe demo`: the main job end to end on a real model.
///
/// Teaches a model a dozen invented records, serves it, submits deletion requests for half of them over HTTP, and
/// measures what is left. Everything lies in one new folder; nothing outside it is touched.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Teach a model invented records, make it forget half of them, and measure.",
        discussion: """
            The last line on standard output is a JSON object with forget_degree and retain_utility. Exit status 1 \
            means that a forgotten answer is still there or a kept one is lost.
            """)

    @Option(help: "The model to teach: SmolLM2-135M-Instruct as a .gguf file unless given.")
    var model = ".models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    @Option(help: "Folder for the demo's runs; each makes a new one in it.")
    var out = "demo-output"
    @Option(help: "Invented records, half of which are forgotten.")
    var records = 12
    @Option(help: "Passes over the records while teaching.")
    var epochs = 8
    @Option(help: "Seed of the records and the training.")
    var seed: UInt64 = 7
    @Flag(help: "Write only the JSON object.")
    var json = false

    func validate() throws {
        guard records % 2 == 0, (6...60).contains(records) else {
            throw ValidationError("--records must be an even number from 6 to 60")
        }
        guard (1...100).contains(epochs) else { throw ValidationError("--epochs must be from 1 to 100") }
    }

    func run() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        guard FileManager.default.fileExists(atPath: model) else {
            throw LetheError(.missingInput, "the model file is not there; make models fetches it")
        }
        let folder = try makeFolder()
        let lesson = try DemoLesson(
            base: URL(fileURLWithPath: model), folder: folder, records: records, epochs: epochs, seed: seed)
        let before = try lesson.teach()
        let store = folder.appendingPathComponent("store", isDirectory: true)
        try await importModel(folder.appendingPathComponent("taught", isDirectory: true), into: store)

        note("serving the model and submitting \(lesson.forget.count) deletion requests over HTTP")
        let daemon = try DemoDaemon(dataDir: store, keep: folder.appendingPathComponent("keep.jsonl"))
        let requests: [JSONValue]
        do {
            requests = try await submit(lesson, to: daemon)
        } catch {
            daemon.stop()
            throw error
        }
        daemon.stop()

        let result = folder.appendingPathComponent("model", isDirectory: true)
        let after = try lesson.measureForgotten(
            try await StoreAccess.open(store.path, DaemonOptions()).folder("demo", nil), exportedTo: result)
        let summary = DemoSummary(
            lesson: lesson, before: before, after: after, requests: requests, folder: result,
            seconds: Double((clock.now - start).components.seconds))
        if !json { for line in summary.table { ClientOutput.line(line) } }
        ClientOutput.line(summary.json)
        guard summary.isConvincing else {
            throw LetheError(.gateNotMet, "a forgotten answer is still there, or a kept one is lost")
        }
    }

    private func makeFolder() throws -> URL {
        let name = Timestamp.string(Date()).replacingOccurrences(of: ":", with: "")
        let folder = URL(fileURLWithPath: out, isDirectory: true).appendingPathComponent(name, isDirectory: true)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw LetheError(.ioError, "the demo's folder cannot be made")
        }
        return folder
    }

    private func importModel(_ source: URL, into store: URL) async throws {
        let directory = try DataDirectory(store)
        let database = try LetheDatabase(directory: directory)
        try await ModelImporter(database: database, generations: GenerationStore(directory: directory))
            .importModel(source, name: "demo", codeVersion: ProductVersion.current, now: Date())
        try database.close()
    }

    private func submit(_ lesson: DemoLesson, to daemon: DemoDaemon) async throws -> [JSONValue] {
        let client = try DaemonClient(url: try daemon.url())
        var ids: [String] = []
        for (index, item) in lesson.forget.enumerated() {
            var request = ErasureRequest(category: item.category, items: DemoLesson.items([item]))
            request.options.seed = seed
            request.reference = "demo-\(index + 1)"
            let answer = try await client.submit(request.json.serialized(), idempotencyKey: UUID().uuidString)
            guard let id = answer["id"]?.stringValue else { throw LetheError(.unavailable, "the daemon gave no id") }
            ids.append(id)
        }
        let bar = ProgressBar("forgetting")
        var requests: [JSONValue] = []
        for (index, id) in ids.enumerated() {
            bar.update(index, of: ids.count)
            try await client.watch(id) { _ in }
            let request = try await client.request(id)
            guard request["state"]?.stringValue == "applied" else {
                throw LetheError(.gateNotMet, "request \(index + 1) ended as \(request["state"]?.stringValue ?? "?")")
            }
            requests.append(request)
        }
        bar.update(ids.count, of: ids.count)
        bar.finish()
        return requests
    }

    private func note(_ text: String) { ClientOutput.note(text) }
}

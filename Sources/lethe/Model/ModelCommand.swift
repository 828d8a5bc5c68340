import ArgumentParser
import Foundation
import LetheCore
import LetheModel
import LetheService
import LetheStore

/// `lethe model`: the store's models and their generations.
struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Import, list, export and roll back the store's models.",
        subcommands: [Import.self, List.self, Show.self, Export.self, Rollback.self])

    /// `lethe model import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring a model into the store as its generation 0.",
            discussion: "The daemon must not be running on the same data directory.")

        @Argument(help: "A Hugging Face folder or a .gguf file.")
        var source: String
        @Option(help: "The name in the store.")
        var name: String
        @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
        var dataDir: String?
        @Flag(help: "Write the model as JSON.")
        var json = false

        func run() async throws {
            guard FileManager.default.fileExists(atPath: source) else {
                throw LetheError(.missingInput, "no model at the given path")
            }
            let directory = try DataDirectory(StoreAccess.directory(dataDir))
            let database = try LetheDatabase(directory: directory)
            let importer = ModelImporter(database: database, generations: GenerationStore(directory: directory))
            let model = try await importer.importModel(
                URL(fileURLWithPath: source), name: name, codeVersion: ProductVersion.current, now: Date())
            try database.close()
            if json {
                ClientOutput.document(model.json)
            } else {
                ClientOutput.line("\(model.name): generation \(model.head.number), \(model.head.byteCount) bytes")
            }
        }
    }

    /// `lethe model list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the store's models.")

        @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
        var dataDir: String?
        @Flag(help: "Write JSON.")
        var json = false
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let models = try await StoreAccess.open(dataDir, daemon).models()
            if json { return ClientOutput.document(models) }
            for model in models["data"]?.arrayValue ?? [] {
                let head = model["head"]?["number"]?.intValue ?? 0
                let kept = model["kept_generations"]?.intValue ?? 0
                ClientOutput.line("\(model["name"]?.stringValue ?? "?")  head \(head)  \(kept) generations kept")
            }
        }
    }

    /// `lethe model show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a model's generations.")

        @Argument(help: "The model's name.")
        var name: String
        @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
        var dataDir: String?
        @Flag(help: "Write JSON.")
        var json = false
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let generations = try await StoreAccess.open(dataDir, daemon).generations(name)
            if json { return ClientOutput.document(generations) }
            for row in generations["data"]?.arrayValue ?? [] {
                let mark = row["is_head"]?.boolValue == true ? "*" : " "
                let requests = row["request_ids"]?.arrayValue?.count ?? 0
                ClientOutput.line(
                    "\(mark) \(row["number"]?.intValue ?? 0)  \(row["state"]?.stringValue ?? "?")  "
                        + "\(row["created_at"]?.stringValue ?? "?")  \(requests) requests")
            }
        }
    }

    /// `lethe model export`.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a generation as a Hugging Face folder.",
            discussion: "--model also takes a folder or a .gguf file, which converts it.")

        @OptionGroup var model: ModelOptions
        @Option(help: "The folder to write; must not exist.")
        var out: String
        @Option(help: "A generation's number; the head unless given.")
        var generation: Int?
        @Option(help: "float32, float16 or bfloat16.")
        var dtype = "float32"
        @Option(help: "Megabytes above which the weights are split into several files.")
        var maxShardMegabytes = 5120

        func validate() throws {
            guard ["float32", "float16", "bfloat16"].contains(dtype) else {
                throw ValidationError("--dtype must be float32, float16 or bfloat16")
            }
            guard (1...1_000_000).contains(maxShardMegabytes) else {
                throw ValidationError("--max-shard-megabytes must be from 1 to 1000000")
            }
        }

        func run() async throws {
            let source: URL
            if let generation {
                source = try await StoreAccess.open(model.dataDir, model.daemon).folder(model.model, generation)
            } else {
                source = try await model.url()
            }
            let type: ElementType = dtype == "float16" ? .float16 : dtype == "bfloat16" ? .bfloat16 : .float32
            try ModelExporter.export(
                ModelLoader.load(source), to: URL(fileURLWithPath: out, isDirectory: true), type: type,
                maximumShardBytes: maxShardMegabytes << 20)
        }
    }

    /// `lethe model rollback`.
    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move a model's head back to an earlier generation.",
            discussion: """
                The requests that were applied since then are no longer in effect; they become failed with code \
                rolled_back and can be retried.
                """)

        @Argument(help: "The model's name.")
        var name: String
        @Option(help: "The generation to serve.")
        var to: Int
        @Option(help: "The store's folder. Also read from LETHE_DATA_DIR.")
        var dataDir: String?
        @Flag(help: "Write the model as JSON.")
        var json = false
        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let model = try await StoreAccess.open(dataDir, daemon).rollback(name, to: to)
            if json { ClientOutput.document(model) } else { ClientOutput.line("\(name): head is generation \(to)") }
        }
    }
}

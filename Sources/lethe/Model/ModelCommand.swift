import ArgumentParser
import Foundation
import LetheCore
import LetheModel
import LetheService
import LetheStore

/// `lethe model`: the store's models and their generations.
struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Fetch, import, list, export and roll back models.",
        subcommands: [ModelPullCommand.self, Import.self, List.self, Show.self, Export.self, Rollback.self])

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

        @Flag(help: "Write JSON.")
        var json = false
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let models = try await store.open().models()
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
        @Flag(help: "Write JSON.")
        var json = false
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let generations = try await store.open().generations(name)
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
            abstract: "Write a generation as a Hugging Face folder or a GGUF file.",
            discussion: """
                --model also takes a folder or a .gguf file, which converts it. With --dtype keep a tensor has the \
                type that its file had, or f32 where that would round it. GGUF is written for llama and mistral models.
                """)

        /// What is written.
        enum Format: String, CaseIterable, ExpressibleByArgument {
            case folder
            case gguf
        }

        /// The element type of a folder's tensors.
        enum FolderType: String, CaseIterable, ExpressibleByArgument {
            case keep, f32, f16, bf16

            var elementType: ElementType? {
                switch self {
                case .keep: nil
                case .f32: .float32
                case .f16: .float16
                case .bf16: .bfloat16
                }
            }
        }

        @OptionGroup var model: ModelOptions
        @Option(help: "The folder or file to write; must not exist.")
        var out: String
        @Option(help: "A generation's number; the head unless given.")
        var generation: Int?
        @Option(help: "folder (as Hugging Face has it) or gguf.")
        var format = Format.folder
        @Option(help: "Of a folder: keep, f32, f16 or bf16.")
        var dtype = FolderType.keep
        @Option(help: "Of a folder: the size above which the weights are split into several files, such as 500MB.")
        var maxShardSize = "5GB"
        @Option(help: "Of a GGUF file: f32, f16 or q8_0.")
        var type = GGUFExporter.WeightType.f32

        func validate() throws {
            guard Self.bytes(maxShardSize) != nil else {
                throw ValidationError("--max-shard-size must be a size from 1KB on, such as 500MB or 5GB")
            }
        }

        func run() async throws {
            let source: URL
            if let generation {
                source = try await StoreAccess.open(model.dataDir, model.daemon).folder(model.model, generation)
            } else {
                source = try await model.url()
            }
            let model = try ModelLoader.load(source)
            switch format {
            case .folder:
                try ModelExporter.export(
                    model, to: URL(fileURLWithPath: out, isDirectory: true), type: dtype.elementType,
                    maximumShardBytes: Self.bytes(maxShardSize) ?? 5_000_000_000)
            case .gguf: try GGUFExporter.export(model, to: URL(fileURLWithPath: out), type: type)
            }
        }

        /// A size such as 500MB, in the decimal units that `transformers` has.
        private static func bytes(_ text: String) -> Int? {
            for (unit, factor) in [("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000)] where text.hasSuffix(unit) {
                guard let count = Int(text.dropLast(2)), count > 0, count <= 1_000_000_000 else { return nil }
                return count * factor
            }
            return nil
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
        @Flag(help: "Write the model as JSON.")
        var json = false
        @OptionGroup var store: StoreOptions

        func run() async throws {
            let model = try await store.open().rollback(name, to: to)
            if json { ClientOutput.document(model) } else { ClientOutput.line("\(name): head is generation \(to)") }
        }
    }
}

extension GGUFExporter.WeightType: ExpressibleByArgument {}

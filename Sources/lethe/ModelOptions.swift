import ArgumentParser
import Foundation
import LetheCore
import LetheModel
import LetheTensor

/// Which model a command works on.
struct ModelOptions: ParsableArguments {
    @Option(help: "A model's name in the store, a Hugging Face folder, or a .gguf file.")
    var model: String

    @Option(help: "The store's folder, where --model is a name. Also read from LETHE_DATA_DIR.")
    var dataDir: String?

    @Option(help: "Threads of the engine; all processors unless given.")
    var threads: Int?

    @OptionGroup var daemon: DaemonOptions

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
    }

    /// Where the model's files are: a path as it is, a name's head generation in the store.
    /// - Throws: `missing_input` when nothing answers to the name.
    func url() async throws -> URL {
        if let threads { Engine.threadCount = threads }
        return try await Self.url(model, dataDir: dataDir, daemon)
    }

    /// Where a model's files are, for commands with options of their own.
    /// - Throws: as ``url()``.
    static func url(_ model: String, dataDir: String?, _ daemon: DaemonOptions) async throws -> URL {
        if FileManager.default.fileExists(atPath: model) { return URL(fileURLWithPath: model) }
        guard ModelName.isValid(model) else { throw LetheError(.missingInput, "no model at the given path") }
        let root = StoreAccess.directory(dataDir)
        guard FileManager.default.fileExists(atPath: root.appendingPathComponent("lethe.sqlite").path) else {
            throw LetheError(.missingInput, "no file or folder of this name, and no store in the data directory")
        }
        return try await StoreAccess.open(dataDir, daemon).folder(model, nil)
    }
}

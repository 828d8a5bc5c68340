import Foundation
import LetheCore
import LetheService
import LetheStore

/// The store as a command reaches it: the data directory itself while no daemon holds it, the daemon over HTTP while
/// one does. The database of a live daemon is never opened.
enum StoreAccess {
    case offline(database: LetheDatabase, generations: GenerationStore)
    case online(DaemonClient, root: URL)

    /// `--data-dir`, else LETHE_DATA_DIR, else ~/.local/share/lethe.
    static func directory(_ option: String?) -> URL {
        let environment = ProcessInfo.processInfo.environment
        if let option { return URL(fileURLWithPath: option, isDirectory: true) }
        if let path = environment["LETHE_DATA_DIR"], !path.isEmpty {
            return URL(fileURLWithPath: path, isDirectory: true)
        }
        return URL(fileURLWithPath: environment["HOME"] ?? "/var/lib", isDirectory: true)
            .appendingPathComponent(".local/share/lethe", isDirectory: true)
    }

    /// Opens an existing store.
    /// - Throws: `missing_input` when there is no data directory.
    static func open(_ dataDir: String?, _ daemon: DaemonOptions) throws -> StoreAccess {
        let root = directory(dataDir)
        guard FileManager.default.fileExists(atPath: root.appendingPathComponent("lethe.sqlite").path) else {
            throw LetheError(.missingInput, "there is no store in the data directory; lethe model import makes one")
        }
        do {
            let held = try DataDirectory(root)
            return .offline(database: try LetheDatabase(directory: held), generations: GenerationStore(directory: held))
        } catch let error as LetheError where error.code == .conflict {
            return .online(try daemon.client(), root: root)
        }
    }

    /// All models, as the API shows them.
    func models() async throws -> JSONValue {
        switch self {
        case .offline(let database, _):
            let rows = try await database.models().map(\.json)
            return .object(JSONObject([("data", .array(rows))]))
        case .online(let client, _): return try await client.models()
        }
    }

    /// A model's generations, as the API shows them.
    /// - Throws: `not_found`.
    func generations(_ model: String) async throws -> JSONValue {
        try Self.requireName(model)
        switch self {
        case .offline(let database, _):
            let rows = try await database.generations(model).map(\.json)
            return .object(JSONObject([("data", .array(rows))]))
        case .online(let client, _): return try await client.generations(model)
        }
    }

    /// Moves a model's head back, and gives the model as the API shows it.
    /// - Throws: `not_found`, `invalid_state` for a generation that is not an earlier one of the head's lineage.
    func rollback(_ model: String, to number: Int) async throws -> JSONValue {
        try Self.requireName(model)
        switch self {
        case .offline(let database, _):
            _ = try await database.rollback(model, to: number)
            return try await database.model(model).json
        case .online(let client, _): return try await client.rollback(model, to: number)
        }
    }

    /// The folder of a generation; the head without a number.
    /// - Throws: `not_found`.
    func folder(_ model: String, _ number: Int?) async throws -> URL {
        try Self.requireName(model)
        switch self {
        case .offline(let database, let generations):
            let rows = try await database.generations(model)
            guard let row = rows.first(where: { number == nil ? $0.isHead : $0.number == number }), row.state == .kept
            else { throw LetheError(.notFound, "the model has no such generation") }
            return generations.url(model, row)
        case .online(let client, let root):
            let rows = try await client.generations(model)["data"]?.arrayValue ?? []
            let row = rows.first { row in
                number == nil ? row["is_head"]?.boolValue == true : row["number"]?.intValue == number
            }
            guard let row, let found = row["number"]?.intValue, let digest = row["manifest_sha256"]?.stringValue else {
                throw LetheError(.notFound, "the model has no such generation")
            }
            return root.appendingPathComponent(
                "models/\(model)/generations/\(found)-\(digest.prefix(12))", isDirectory: true)
        }
    }

    /// - Throws: `not_found` for what no model can be called, so that nothing else gets into a path.
    private static func requireName(_ name: String) throws {
        guard ModelName.isValid(name) else { throw LetheError(.notFound, "no model has this name") }
    }
}

import Foundation
import LetheCore
import LetheModel

/// How far one method's stream with one seed has come.
struct StreamState: Codable, Equatable {
    /// Requests that are done and whose weights are on disk.
    var done = 0
    /// For each changed layer the number of requests after which its file was written.
    var layerVersions: [Int: Int] = [:]
    /// Vectors in the file of the forget memory that count.
    var memoryCount = 0
    var requests: [RequestRecord] = []
    var checkpoints: [CheckpointResult] = []
    var attacks: [AttackResult] = []
    /// Attacks that are through, with `membership` for membership inference.
    var finishedAttacks: [String] = []
    var utility: [UtilityResult] = []
    /// Utility tasks that are through.
    var finishedTasks = 0
    /// Whether nothing is left to do.
    var isFinished = false
}

/// Documents of an unfinished run.
enum WorkDocument {
    /// Writes a value, durable when the call returns.
    static func write(_ value: some Encodable, to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        let data: Data
        do {
            data = try encoder.encode(value)
        } catch {
            throw LetheError(.internalError, "\(url.lastPathComponent): cannot be encoded")
        }
        try DurableFile.write(data, to: url)
    }

    /// Reads a value; nil when the file is not there.
    /// - Throws: `bad_data` when it is not what ``write(_:to:)`` wrote.
    static func read<Value: Decodable>(_ type: Value.Type, from url: URL) throws -> Value? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return try decoder.decode(type, from: Data(contentsOf: url))
        } catch {
            throw LetheError(.badData, "\(url.lastPathComponent): the unfinished run's file is damaged")
        }
    }
}

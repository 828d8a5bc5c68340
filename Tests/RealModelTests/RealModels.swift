import Foundation
import LetheCore
import LetheModel
import Testing

/// The real models, where `make models` has put them.
enum RealModels {
    static let root = URL(
        fileURLWithPath: ProcessInfo.processInfo.environment["LETHE_MODELS"]
            ?? repository.appendingPathComponent(".models").path, isDirectory: true)
    static let smolLM2 = root.appendingPathComponent("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    static let miniLM = root.appendingPathComponent("minilm", isDirectory: true)

    static var arePresent: Bool {
        FileManager.default.fileExists(atPath: smolLM2.path) && FileManager.default.fileExists(atPath: miniLM.path)
    }

    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A golden file.
    static func golden(_ name: String) throws -> JSONValue {
        let url = repository.appendingPathComponent("Tests/Fixtures/golden/\(name).json")
        return try JSONParser.parse(Data(contentsOf: url), context: name)
    }
}

extension JSONValue {
    /// A member that has to be there.
    func member(_ key: String) throws -> JSONValue { try #require(self[key]) }
    /// An array that has to be there.
    func list(_ key: String) throws -> [JSONValue] { try #require(self[key]?.arrayValue) }
    /// Token ids.
    func ids(_ key: String) throws -> [Int32] { try list(key).map { Int32(try #require($0.intValue)) } }
    /// Numbers.
    func numbers(_ key: String) throws -> [Double] { try list(key).map { try #require($0.doubleValue) } }
    func text(_ key: String) throws -> String { try #require(self[key]?.stringValue) }
    func number(_ key: String) throws -> Double { try #require(self[key]?.doubleValue) }
}

/// |value / expected - 1|.
func relativeError(_ value: Double, _ expected: Double) -> Double { abs(value / expected - 1) }

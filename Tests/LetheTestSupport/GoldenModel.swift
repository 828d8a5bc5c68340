import Foundation
import LetheCore
import LetheModel

/// A tiny model of Tests/Fixtures/models with the values that PyTorch computed for it; generate.py there says what
/// each field is.
package struct GoldenModel: Sendable {
    package let folder: URL
    package let golden: JSONValue

    /// Tests/Fixtures
    package static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures", isDirectory: true)

    /// Every family's folder.
    package static let names = [
        "gemma", "gemma2", "gemma3", "gpt-neox", "gpt-neox-sequential", "gpt2", "llama", "llama-linear-rope",
        "llama3-rope", "mistral", "phi", "phi3", "qwen2", "qwen3",
    ]

    package init(_ name: String) throws {
        folder = Self.fixtures.appendingPathComponent("models/\(name)", isDirectory: true)
        golden = try Self.json(folder.appendingPathComponent("golden.json"))
    }

    /// A document of Tests/Fixtures.
    package static func json(_ url: URL) throws -> JSONValue {
        var limits = JSONParser.Limits.default
        limits.maximumBytes = 64 << 20
        limits.maximumElements = 1 << 24
        return try JSONParser.parse(Data(contentsOf: url), limits: limits, context: url.lastPathComponent)
    }

    package func load() throws -> LanguageModel { try ModelLoader.load(folder) }

    /// The golden sequences, shortest first.
    package var sequences: [Sequence] {
        get throws { try golden.require("sequences").list().map { try Sequence($0) } }
    }

    /// The longest golden sequence.
    package var longest: Sequence {
        get throws {
            guard let last = try sequences.last else { throw LetheError(.badData, "golden.json has no sequences") }
            return last
        }
    }

    /// Golden values of one sequence.
    package struct Sequence {
        package let json: JSONValue
        package let ids: [Int32]
        package let text: String?

        init(_ json: JSONValue) throws {
            self.json = json
            ids = try json.require("ids").integers().map { Int32($0) }
            text = json["text"]?.stringValue
        }

        package func numbers(_ name: String) throws -> [Double] { try json.require(name).numbers() }
        package func number(_ name: String) throws -> Double { try json.require(name).number() }
    }
}

extension JSONValue {
    package func require(_ key: String) throws -> JSONValue {
        guard let value = self[key] else { throw LetheError(.badData, "fixture: \(key) is missing") }
        return value
    }

    package func list() throws -> [JSONValue] {
        guard let array = arrayValue else { throw LetheError(.badData, "fixture: not an array") }
        return array
    }

    package func number() throws -> Double {
        guard let number = doubleValue else { throw LetheError(.badData, "fixture: not a number") }
        return number
    }

    package func numbers() throws -> [Double] { try list().map { try $0.number() } }

    package func integers() throws -> [Int] {
        try list().map {
            guard let value = $0.intValue else { throw LetheError(.badData, "fixture: not a whole number") }
            return value
        }
    }
}

import Foundation
import LetheCore
import LetheTokenizers

/// The files under Tests/Fixtures/tokenizers.
enum Fixture {
    /// The bytes of a file.
    static func data(_ name: String, file: String = #filePath) throws -> Data {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
        return try Data(contentsOf: folder.appendingPathComponent("Fixtures/tokenizers/\(name)"))
    }

    /// A file as JSON.
    static func json(_ name: String) throws -> JSONValue {
        try JSONParser.parse(data(name), limits: .modelFile, context: name)
    }

    /// The tokenizer of a kind.
    static func tokenizer(_ kind: String) throws -> any Tokenizer {
        try TokenizerLoader.tokenizerJSON(data("\(kind).tokenizer.json"))
    }

    /// The texts that all golden files are about.
    static func texts() throws -> [String] {
        try json("texts.json").arrayValue?.compactMap(\.stringValue) ?? []
    }

    /// An array of ids.
    static func ids(_ value: JSONValue?) -> [Int32]? {
        value?.arrayValue.map { $0.compactMap { $0.intValue.map(Int32.init) } }
    }
}

/// Whether two texts have the same bytes; `==` of strings would take canonically equivalent ones for equal.
func same(_ left: String, _ right: String) -> Bool { Array(left.utf8) == Array(right.utf8) }

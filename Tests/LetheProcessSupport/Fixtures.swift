import Foundation
import LetheCore

/// Files of Tests/Fixtures.
package enum Fixtures {
    /// The folder.
    package static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures", isDirectory: true)

    /// A Llama model of four layers, 32 wide, with random weights.
    package static let model = folder.appendingPathComponent("models/llama", isDirectory: true)

    /// What PyTorch computed for that model.
    package static var golden: JSONValue {
        get throws {
            try JSONParser.parse(
                Data(contentsOf: model.appendingPathComponent("golden.json")), context: "golden.json")
        }
    }

    /// The first golden sequence that has a text.
    package static var textSequence: JSONValue {
        get throws {
            for sequence in try golden["sequences"]?.arrayValue ?? [] where sequence["text"]?.stringValue != nil {
                return sequence
            }
            throw LetheError(.badData, "golden.json has no sequence with a text")
        }
    }
}

import Foundation
import LetheCore
import Testing

/// The files under Tests/Fixtures.
enum Fixture {
    static func url(_ path: String, file: String = #filePath) -> URL {
        URL(fileURLWithPath: file)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures").appendingPathComponent(path)
    }

    /// The list under "cases" of a golden file.
    static func cases(_ path: String) throws -> [JSONValue] {
        let json = try JSONParser.parse(try Data(contentsOf: url(path)), context: path)
        return try #require(json["cases"]?.arrayValue)
    }
}

import Foundation
import LetheCore

/// A new, empty folder that is removed when its object goes.
package final class Scratch: Sendable {
    package let url: URL

    package init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("lethe-command-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// A path in it.
    package func path(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// Writes a file into it.
    @discardableResult
    package func write(_ name: String, _ data: Data) throws -> URL {
        let file = path(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
        return file
    }

    /// Writes a text file into it.
    @discardableResult
    package func write(_ name: String, _ text: String) throws -> URL { try write(name, Data(text.utf8)) }

    /// Copies a file or folder into it.
    @discardableResult
    package func copy(_ source: URL, to name: String) throws -> URL {
        try FileManager.default.copyItem(at: source, to: path(name))
        return path(name)
    }

    /// Every file and folder below a folder, as paths relative to it, sorted.
    package static func contents(_ folder: URL) throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    }

    /// Every file and folder in it.
    package var contents: [String] {
        get throws { try Self.contents(url) }
    }
}

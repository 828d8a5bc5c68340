import Foundation

/// Small files that are replaced whole.
package enum DurableFile {
    /// Gives a file a new content, durable when the call returns; after a crash it has the old content or the new.
    /// - Throws: `disk_full`, `io_error` and what else the system refuses.
    package static func write(_ data: Data, to url: URL) throws {
        let file = try StagedFile(destination: url, size: data.count)
        try data.withUnsafeBytes { try file.write($0, at: 0) }
        try file.commit()
    }
}

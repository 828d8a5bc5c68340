import Foundation
import LetheCore

/// Writes the output folder of an evaluation: `result.json`, `report.md` and `report.html`.
public enum ReportWriter {
    /// Writes the three files, replacing those of these names.
    ///
    /// Each file is written whole or not at all, `result.json` first; a crash midway leaves some files of an earlier
    /// result.
    /// - Throws: `io_error` when the folder cannot be made or a file cannot be written.
    public static func write(_ result: EvaluationResult, to folder: URL) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw LetheError(.ioError, "the output folder cannot be created")
        }
        let files = [
            ("result.json", try result.json()), ("report.md", Data(MarkdownReport.text(result).utf8)),
            ("report.html", Data(HTMLReport.text(result).utf8)),
        ]
        for (name, data) in files {
            do {
                try data.write(to: folder.appendingPathComponent(name), options: .atomic)
            } catch {
                throw LetheError(.ioError, "\(name): cannot be written")
            }
        }
    }

    /// Reads `result.json` from an output folder, or the file itself.
    /// - Throws: `missing_input` when there is none, `io_error` when it cannot be read, and as
    ///   ``EvaluationResult/init(json:context:)``.
    public static func read(_ url: URL) throws -> EvaluationResult {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw LetheError(.missingInput, "result.json: there is no such file or folder")
        }
        let file = isFolder.boolValue ? url.appendingPathComponent("result.json") : url
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw LetheError(.missingInput, "result.json: is missing from the folder")
        }
        let data: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: file.path)[.size] as? NSNumber
            guard (size?.int64Value ?? 0) <= Int64(EvaluationResult.maximumBytes) else {
                throw LetheError(
                    .limitExceeded, "result.json: is larger than \(EvaluationResult.maximumBytes) bytes")
            }
            data = try Data(contentsOf: file)
        } catch let error as LetheError {
            throw error
        } catch {
            throw LetheError(.ioError, "result.json: cannot be read")
        }
        return try EvaluationResult(json: data)
    }
}

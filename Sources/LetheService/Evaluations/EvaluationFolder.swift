import Foundation
import LetheCore
import LetheEvaluation

/// The files of one evaluation: `result.json` and the reports, and while it runs the taught models and unfinished work.
///
/// Taught models are made from a generation, and hold what it holds: they are gone before the evaluation has ended.
struct EvaluationFolder {
    let url: URL

    /// - Parameter root: the folder of all evaluations.
    init(_ root: URL, _ id: EvaluationID) { url = root.appendingPathComponent(id.rawValue, isDirectory: true) }

    /// Where taught models are kept during the run.
    var cache: URL { url.appendingPathComponent("cache", isDirectory: true) }
    private var result: URL { url.appendingPathComponent("result.json") }

    /// Makes the folder.
    /// - Throws: `io_error`.
    func make() throws {
        do {
            try FileManager.default.createDirectory(
                at: cache, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw LetheError(.ioError, "the evaluation's folder cannot be made")
        }
    }

    /// Whether the result is there.
    var hasResult: Bool { FileManager.default.fileExists(atPath: result.path) }

    /// The bytes of result.json; nil when they are not there.
    func resultData() -> Data? {
        let size = try? FileManager.default.attributesOfItem(atPath: result.path)[.size] as? NSNumber
        guard let size, size.intValue <= EvaluationResult.maximumBytes else { return nil }
        return try? Data(contentsOf: result)
    }

    /// Makes the result durable.
    /// - Throws: `io_error`.
    func sync() throws {
        do {
            for file in [result, url] {
                let handle = try FileHandle(forReadingFrom: file)
                try handle.synchronize()
                try handle.close()
            }
        } catch {
            throw LetheError(.ioError, "the evaluation's result cannot be made durable")
        }
    }

    /// Removes everything but the result and its reports.
    func removeScratch() {
        for name in ["cache", "work"] { try? FileManager.default.removeItem(at: url.appendingPathComponent(name)) }
    }

    /// Removes the folder.
    func remove() { try? FileManager.default.removeItem(at: url) }

    /// Removes what evaluations that have ended left behind in a crash.
    static func sweep(_ root: URL, ended: (EvaluationID) async -> Bool) async {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? [] {
            guard let id = EvaluationID(rawValue: name), await ended(id) else { continue }
            EvaluationFolder(root, id).removeScratch()
        }
    }
}

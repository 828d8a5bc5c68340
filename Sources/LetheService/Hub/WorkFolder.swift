import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The folder in which a pull gathers its files, beside the one that it will become.
final class WorkFolder: Sendable {
    /// Bytes that have to stay free.
    static let reserve = 64 << 20

    let url: URL
    private let out: URL
    private let descriptor: Int32

    /// Makes the folder, or takes over what an interrupted pull has left.
    /// - Throws: `conflict` while another pull is at work in it, `io_error`.
    init(for out: URL) throws {
        self.out = out
        url = out.deletingLastPathComponent().appendingPathComponent("\(out.lastPathComponent).incomplete")
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw LetheError(.ioError, "the output folder cannot be made")
        }
        descriptor = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw PartialFile.error("open", errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw LetheError(.conflict, "another pull is at work on the same output folder")
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// - Throws: `disk_full` when what is still to come does not fit.
    func requireSpace(_ entries: [HubSelection.Entry]) throws {
        var information = statvfs()
        guard statvfs(url.path, &information) == 0 else { throw PartialFile.error("statvfs", errno) }
        let free = UInt64(information.f_bavail).multipliedReportingOverflow(by: UInt64(information.f_frsize))
        var needed = Self.reserve
        for entry in entries {
            let (sum, isOver) = needed.addingReportingOverflow(max(0, entry.file.size - present(entry)))
            guard !isOver else { throw LetheError(.limitExceeded, "the files are larger than any disk") }
            needed = sum
        }
        guard free.overflow || free.partialValue >= UInt64(needed) else {
            throw LetheError(
                .diskFull, "\(needed) bytes are needed for the model and \(free.partialValue) are free")
        }
    }

    /// Bytes of an entry that are there, whole or not.
    private func present(_ entry: HubSelection.Entry) -> Int {
        let folder = url.appendingPathComponent(entry.path).deletingLastPathComponent().path
        let name = String(entry.path.split(separator: "/").last ?? "")
        let candidates = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return candidates.filter { $0 == name || ($0.hasPrefix("\(name).") && $0.hasSuffix(".part")) }
            .compactMap { candidate -> Int? in
                let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(candidate)")
                return (attributes?[.size] as? NSNumber)?.intValue
            }.max() ?? 0
    }

    /// Removes what does not belong, writes the record, and gives the folder its name.
    /// - Throws: `conflict` when the name is taken by now, `disk_full`, `io_error`.
    func finish(_ snapshot: HubPull.Snapshot, keeping paths: Set<String>) throws {
        var folders: Set<String> = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: url.path) where !paths.contains(path) {
            let full = url.appendingPathComponent(path)
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: full.path, isDirectory: &isFolder), isFolder.boolValue {
                folders.insert(full.path)
            } else {
                try? FileManager.default.removeItem(at: full)
            }
        }
        let record = url.appendingPathComponent(HubPull.recordName)
        do {
            try (snapshot.json.serialized(pretty: true) + Data("\n".utf8)).write(to: record)
        } catch {
            throw LetheError(.ioError, "\(HubPull.recordName) cannot be written")
        }
        try Self.sync(record.path, O_RDONLY)
        for folder in folders { try Self.sync(folder, O_RDONLY | O_DIRECTORY) }
        try Self.sync(url.path, O_RDONLY | O_DIRECTORY)
        guard rename(url.path, out.path) == 0 else {
            if [EEXIST, ENOTEMPTY, ENOTDIR].contains(errno) {
                throw LetheError(.conflict, "the output folder is there by now")
            }
            throw PartialFile.error("rename", errno)
        }
        try Self.sync(out.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY)
    }

    private static func sync(_ path: String, _ flags: Int32) throws {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw PartialFile.error("open", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw PartialFile.error("fsync", errno) }
    }
}

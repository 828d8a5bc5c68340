import Crypto
import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The few POSIX calls that durable files need, with their errors as ``LetheError``.
///
/// Messages name the call, the last path component and errno, never a whole path.
enum FileSystem {
    /// The error for the current value of errno: `disk_full`, `missing_input` or `io_error`.
    static func error(_ call: String, _ path: String) -> LetheError {
        error(call, path, errno)
    }

    static func error(_ call: String, _ path: String, _ number: Int32) -> LetheError {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let reason = String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT: return LetheError(.diskFull, "\(call) \(name): \(reason)")
        case ENOENT: return LetheError(.missingInput, "\(call) \(name): \(reason)")
        default: return LetheError(.ioError, "\(call) \(name): \(reason)")
        }
    }

    /// Runs `body` with an open descriptor that is closed afterwards. A link as the last component is followed to a
    /// folder only.
    static func withFile<Result>(
        _ path: String, _ flags: Int32, mode: mode_t = 0o600, _ body: (Int32) throws -> Result
    ) throws -> Result {
        let follow = flags & O_DIRECTORY == 0 ? O_NOFOLLOW : 0
        var descriptor: Int32
        repeat { descriptor = open(path, flags | O_CLOEXEC | follow, mode) } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else { throw error("open", path) }
        defer { close(descriptor) }
        return try body(descriptor)
    }

    /// Makes a file's content and size durable.
    /// - Throws: ``LetheError`` with code `sync_failed`; see there.
    static func sync(descriptor: Int32, _ path: String) throws {
        var status: Int32
        repeat { status = fsync(descriptor) } while status != 0 && errno == EINTR
        guard status == 0 else {
            throw LetheError(.syncFailed, error("fsync", path).message)
        }
    }

    /// Makes a file durable.
    static func syncFile(_ path: String) throws {
        try withFile(path, O_RDONLY) { try sync(descriptor: $0, path) }
    }

    /// Makes the entries of a folder durable.
    static func syncFolder(_ path: String) throws {
        try withFile(path, O_RDONLY | O_DIRECTORY) { try sync(descriptor: $0, path) }
    }

    /// Creates a folder of mode 0700 unless it is there, and makes its entry durable in its parent.
    static func createFolder(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 else {
            guard errno == EEXIST else { throw error("mkdir", path) }
            guard try status(path).kind == S_IFDIR else { throw LetheError(.ioError, "\(name(path)) is not a folder") }
            return
        }
        try syncFolder(parent(path))
    }

    /// Writes a new file and makes it durable; fails when it is there. The folder's entry is not synced.
    static func writeNew(_ path: String, _ data: Data, mode: mode_t) throws {
        try withFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: mode) { descriptor in
            try data.withUnsafeBytes { try writeAll(descriptor, $0, path) }
            try sync(descriptor: descriptor, path)
        }
    }

    /// Reads a whole regular file of at most `limit` bytes.
    static func contents(_ path: String, limit: Int) throws -> Data {
        try withFile(path, O_RDONLY) { descriptor in
            var information = stat()
            guard fstat(descriptor, &information) == 0 else { throw error("fstat", path) }
            guard information.st_mode & S_IFMT == S_IFREG else {
                throw LetheError(.badData, "\(name(path)) is not a regular file")
            }
            guard information.st_size <= limit else {
                throw LetheError(.limitExceeded, "\(name(path)) is larger than \(limit) bytes")
            }
            var data = Data()
            try forEachChunk(descriptor, path) { chunk in
                guard data.count + chunk.count <= limit else {
                    throw LetheError(.limitExceeded, "\(name(path)) is larger than \(limit) bytes")
                }
                data.append(contentsOf: chunk)
            }
            return data
        }
    }

    /// The SHA-256 and the size of a regular file, in one pass over it.
    static func digest(_ path: String) throws -> (digest: Data, size: Int) {
        try withFile(path, O_RDONLY) { descriptor in
            var hasher = SHA256()
            var size = 0
            try forEachChunk(descriptor, path) { chunk in
                hasher.update(bufferPointer: chunk)
                size += chunk.count
            }
            return (Data(hasher.finalize()), size)
        }
    }

    private static func forEachChunk(
        _ descriptor: Int32, _ path: String, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw error("read", path)
            }
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// What is known of a path, links not followed.
    struct Status {
        /// `S_IFREG`, `S_IFDIR`, ...
        var kind: mode_t
        var permissions: mode_t
        var size: Int
        var device: UInt64
        var inode: UInt64
    }

    /// Reads the status of a path.
    /// - Throws: ``LetheError`` with code `missing_input` when nothing is there.
    static func status(_ path: String) throws -> Status {
        var information = stat()
        guard lstat(path, &information) == 0 else { throw error("lstat", path) }
        return Status(
            kind: information.st_mode & S_IFMT, permissions: information.st_mode & 0o7777,
            size: Int(information.st_size), device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
    }

    /// Whether anything is at a path.
    static func exists(_ path: String) -> Bool {
        var information = stat()
        return lstat(path, &information) == 0
    }

    /// The names in a folder, sorted by bytes; none when the folder is not there.
    static func entries(_ path: String) throws -> [String] {
        guard let stream = opendir(path) else {
            if errno == ENOENT { return [] }
            throw error("opendir", path)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw error("readdir", path) }
                break
            }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Moves a folder that is not empty to a name that must not be taken, in one step.
    ///
    /// rename(2) itself refuses to replace a file or a folder with entries by a folder.
    /// - Throws: ``LetheError`` with code `conflict` when the name is taken.
    static func renameFolder(_ source: String, toNew target: String) throws {
        guard rename(source, target) == 0 else {
            if errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR {
                throw LetheError(.conflict, "\(name(target)) is already there")
            }
            throw error("rename", target)
        }
    }

    /// Moves a file to a name that must not be taken. A crash may leave it under both names.
    /// - Throws: ``LetheError`` with code `conflict` when the name is taken.
    static func renameFile(_ source: String, toNew target: String) throws {
        guard link(source, target) == 0 else {
            if errno == EEXIST { throw LetheError(.conflict, "\(name(target)) is already there") }
            throw error("link", target)
        }
        guard unlink(source) == 0 else { throw error("unlink", source) }
    }

    /// Copies a regular file to a name that must not be taken; not synced.
    static func copy(_ source: String, toNew target: String) throws {
        try withFile(source, O_RDONLY) { input in
            try withFile(target, O_WRONLY | O_CREAT | O_EXCL) { output in
                try forEachChunk(input, source) { try writeAll(output, $0, target) }
            }
        }
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws {
        var offset = 0
        while offset < bytes.count {
            let count = write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            if count < 0 {
                if errno == EINTR { continue }
                throw error("write", path)
            }
            offset += count
        }
    }

    /// Deletes a folder and what is in it, links not followed. Does nothing when it is not there; can be repeated
    /// after a crash.
    static func removeTree(_ path: String) throws {
        guard exists(path) else { return }
        guard try status(path).kind == S_IFDIR else {
            guard unlink(path) == 0 || errno == ENOENT else { throw error("unlink", path) }
            return
        }
        for entry in try entries(path) { try removeTree("\(path)/\(entry)") }
        guard rmdir(path) == 0 || errno == ENOENT else { throw error("rmdir", path) }
    }

    static func parent(_ path: String) -> String {
        let parent = path.split(separator: "/", omittingEmptySubsequences: true).dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/\(parent)" : parent.isEmpty ? "." : parent
    }

    static func name(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}

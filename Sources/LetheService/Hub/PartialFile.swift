import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file that is being downloaded: its bytes so far and their digest.
///
/// It lies beside the name that it will get, under a name that holds the digest of the whole, so that what is left of
/// one content is never continued with another. Only content with the right size and digest gets the final name.
// Safe: one download uses it, from one thread at a time.
final class PartialFile: @unchecked Sendable {
    private let file: HubFile
    private let path: String
    private let target: String
    private let descriptor: Int32
    private var hasher: HubDigest.Hasher
    /// Bytes that are there.
    private(set) var count = 0
    /// What went wrong while writing.
    private(set) var failure: LetheError?

    /// Opens what is left of an earlier try, or begins.
    /// - Throws: `disk_full`, `io_error`.
    init(_ file: HubFile, target: URL) throws {
        self.file = file
        self.target = target.path
        path = "\(target.path).\(file.digest.text.prefix(16)).part"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        hasher = HubDigest.Hasher(file.digest, size: file.size)
        guard descriptor >= 0 else { throw Self.error("open", errno) }
        try readExisting()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether every byte is there, right or wrong.
    var isWhole: Bool { count == file.size }

    /// Throws everything away.
    func reset() throws {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw Self.error("ftruncate", errno)
        }
        hasher = HubDigest.Hasher(file.digest, size: file.size)
        count = 0
    }

    /// Adds bytes.
    /// - Returns: false when they are more than the file has, or cannot be written; ``failure`` says which.
    func append(_ data: Data) -> Bool {
        guard data.count <= file.size - count else {
            failure = LetheError(.badData, "\(file.name): the hub sends more than the \(file.size) bytes it lists")
            return false
        }
        var offset = 0
        while offset < data.count {
            let written = data.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if written < 0 {
                if errno == EINTR { continue }
                failure = Self.error("write", errno)
                return false
            }
            offset += written
        }
        hasher.update(data)
        count += data.count
        return true
    }

    /// Forgets a failure that was dealt with.
    func clearFailure() { failure = nil }

    /// Gives a whole and right file its name, once it is durable.
    /// - Returns: false when its content is wrong; the bytes are thrown away then.
    /// - Throws: `disk_full`, `io_error`.
    func finish() throws -> Bool {
        guard isWhole, hasher.matches(file.digest) else {
            try reset()
            return false
        }
        guard fsync(descriptor) == 0 else { throw Self.error("fsync", errno) }
        guard rename(path, target) == 0 else { throw Self.error("rename", errno) }
        return true
    }

    /// Whether the file at a path is this one; links are not followed.
    static func holds(_ file: HubFile, at url: URL) -> Bool {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard isRegular(url.path), lseek(descriptor, 0, SEEK_END) == file.size, lseek(descriptor, 0, SEEK_SET) == 0
        else { return false }
        var hasher = HubDigest.Hasher(file.digest, size: file.size)
        guard (try? forEachPiece(descriptor) { hasher.update($0) }) != nil else { return false }
        return hasher.matches(file.digest)
    }

    private func readExisting() throws {
        guard Self.isRegular(path) else { throw LetheError(.ioError, "a partial download is not a regular file") }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0, lseek(descriptor, 0, SEEK_SET) == 0 else { throw Self.error("lseek", errno) }
        guard size <= file.size else { return try reset() }
        try Self.forEachPiece(descriptor) { piece in
            hasher.update(piece)
            count += piece.count
        }
    }

    /// Whether a path is a file and no link to one.
    private static func isRegular(_ path: String) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: path)[.type]) as? FileAttributeType == .typeRegular
    }

    private static func forEachPiece(_ descriptor: Int32, _ body: (Data) throws -> Void) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw error("read", errno)
            }
            if count == 0 { return }
            try body(Data(buffer[..<count]))
        }
    }

    static func error(_ call: String, _ number: Int32) -> LetheError {
        let isFull = number == ENOSPC || number == EDQUOT
        return LetheError(isFull ? .diskFull : .ioError, "\(call): \(String(cString: strerror(number)))")
    }
}

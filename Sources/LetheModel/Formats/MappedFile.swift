import Foundation
import LetheCore
import LetheTensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A regular file mapped read-only into memory for as long as this object lives.
///
/// A file that is cut short while it is mapped makes a read of the lost pages kill the process (SIGBUS): map only
/// files that nobody rewrites in place. Files that are replaced by rename are safe.
final class MappedFile: @unchecked Sendable {  // The pages are read-only and unmapped in deinit only.
    /// The last component of the path, for messages.
    let name: String
    /// The whole file.
    let bytes: UnsafeRawBufferPointer

    /// Opens and maps a file.
    ///
    /// - Parameters:
    ///   - url: A file URL.
    ///   - followingSymbolicLinks: Whether the last component of the path may be a symbolic link.
    /// - Throws: ``LetheError``: `missingInput` when nothing is there, `badData` when it is no regular file or changes
    ///   while it is opened, `forbidden` or `ioError` for what the system refuses.
    init(_ url: URL, followingSymbolicLinks: Bool) throws {
        let name = url.lastPathComponent
        // O_NONBLOCK keeps the open of a FIFO from waiting for its other end; it does nothing for regular files.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingSymbolicLinks ? 0 : O_NOFOLLOW)
        let descriptor = open(url.path, flags)
        guard descriptor >= 0 else {
            if errno == ELOOP, !followingSymbolicLinks {
                throw LetheError(.badData, "\(name): is a symbolic link; give the file it points to")
            }
            throw LetheError.system("open", file: name)
        }
        defer { close(descriptor) }
        let before = try Self.status(of: descriptor, name: name)
        guard before.st_mode & S_IFMT == S_IFREG else { throw LetheError(.badData, "\(name): is not a regular file") }
        guard let size = Int(exactly: before.st_size), size >= 0 else {
            throw LetheError(.limitExceeded, "\(name): is too large")
        }
        self.name = name
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw LetheError.system("map", file: name)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
        let after = try Self.status(of: descriptor, name: name)
        guard after.st_size == before.st_size else { throw LetheError(.badData, "\(name): changes while it is read") }
    }

    deinit {
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }

    /// Calls a closure with a part of the file, and takes the part's pages out of the process's resident memory
    /// afterwards: whoever reads a whole model once does not hold it twice. The next use maps them again.
    func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let part = UnsafeRawBufferPointer(rebasing: bytes[range])
        defer { BFloat16Buffer.releasePages(of: part) }
        return try withExtendedLifetime(self) { try body(part) }
    }

    private static func status(of descriptor: Int32, name: String) throws -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw LetheError.system("examine", file: name) }
        return status
    }
}

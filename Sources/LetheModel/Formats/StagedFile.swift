import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file that appears under its name only when it is complete and durable.
///
/// Everything is written to `<name>.partial` beside the destination. ``commit()`` flushes it to the device, renames
/// it and flushes the folder. Without a commit the partial file is removed; a crash leaves it, and the next
/// `StagedFile` for the same destination removes it.
final class StagedFile {
    /// The size given at creation.
    let size: Int

    private let destination: URL
    private let partial: URL
    private var descriptor: Int32

    /// Creates the partial file at its full size. A device with too little free space is noticed before any work is
    /// done; space that others take in the meantime is noticed by the write that misses it.
    ///
    /// - Throws: ``LetheError``: `diskFull`, or what the system refuses.
    init(destination: URL, size: Int) throws {
        self.destination = destination
        self.size = size
        partial = destination.deletingLastPathComponent()
            .appendingPathComponent(destination.lastPathComponent + ".partial")
        unlink(partial.path)
        descriptor = open(partial.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw LetheError.system("create", file: partial.lastPathComponent) }
        do {
            try setSize()
        } catch {
            discard()
            throw error
        }
    }

    deinit { discard() }

    private func setSize() throws {
        guard size > 0 else { return }
        var volume = statvfs()
        guard fstatvfs(descriptor, &volume) == 0 else {
            throw LetheError.system("examine the volume", file: partial.lastPathComponent)
        }
        let (free, overflow) = UInt64(volume.f_bavail).multipliedReportingOverflow(by: UInt64(volume.f_frsize))
        guard overflow || UInt64(size) <= free else {
            throw LetheError(.diskFull, "\(partial.lastPathComponent): \(size) bytes needed, \(free) free")
        }
        guard ftruncate(descriptor, off_t(size)) == 0 else {
            throw LetheError.system("set the size of", file: partial.lastPathComponent)
        }
    }

    /// Writes bytes at an offset; all of `offset..<offset + bytes.count` has to lie within the size.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        guard offset >= 0, offset <= size, bytes.count <= size - offset else {
            throw LetheError(.internalError, "\(partial.lastPathComponent): write beyond the end")
        }
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress! + done, min(bytes.count - done, 1 << 30), off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw LetheError.system("write", file: partial.lastPathComponent)
            }
            done += count
        }
    }

    /// Makes the file durable and gives it its name, replacing what had it.
    /// - Throws: `syncFailed` when the device refuses, `diskFull`, or what else the system refuses.
    func commit() throws {
        guard descriptor >= 0 else { throw LetheError(.internalError, "the file is closed already") }
        try Self.flush(descriptor, partial.lastPathComponent)
        let closing = descriptor
        descriptor = -1
        guard close(closing) == 0 else {
            let code = errno
            unlink(partial.path)
            throw LetheError.system("close", file: partial.lastPathComponent, errno: code)
        }
        guard rename(partial.path, destination.path) == 0 else {
            let code = errno
            unlink(partial.path)
            throw LetheError.system("rename", file: partial.lastPathComponent, errno: code)
        }
        let folder = destination.deletingLastPathComponent()
        let folderDescriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folderDescriptor >= 0 else { throw LetheError.system("open", file: folder.lastPathComponent) }
        defer { close(folderDescriptor) }
        try Self.flush(folderDescriptor, folder.lastPathComponent)
    }

    /// - Throws: `syncFailed`, after which what is on the device is unknown; `diskFull`.
    private static func flush(_ descriptor: Int32, _ name: String) throws {
        guard fsync(descriptor) != 0 else { return }
        let error = LetheError.system("flush", file: name)
        throw error.code == .diskFull ? error : LetheError(.syncFailed, error.message)
    }

    /// Closes and removes the partial file; does nothing after a commit.
    func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
        unlink(partial.path)
    }
}

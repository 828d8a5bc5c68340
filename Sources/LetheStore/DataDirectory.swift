import Foundation
import LetheCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The folder that holds everything a daemon owns, locked against a second process.
///
/// Layout: `lethe.lock`, `lethe.sqlite` (with `-wal` and `-shm`), `master.key` and `signing.key` (0600), and for each model
/// `models/<name>/generations/` and `models/<name>/tmp/`.
public final class DataDirectory: Sendable {
    /// The folder.
    public let url: URL
    /// Where the master key lies; outside the database, and outside the folder when so configured.
    public let masterKeyURL: URL
    private let lock: Int32

    /// Opens the folder, creating it with mode 0700, and takes its lock for as long as the object lives.
    ///
    /// The kernel drops the lock when the process ends, however it ends.
    /// - Parameter masterKey: where the master key lies, when not in the folder itself.
    /// - Throws: ``LetheError`` with code `conflict` when another process holds the lock, `unsupported` on a network
    ///   file system (its locks and fsync cannot be relied on), `io_error` otherwise.
    public init(_ url: URL, masterKey: URL? = nil) throws {
        self.url = url.standardizedFileURL
        masterKeyURL = masterKey ?? self.url.appendingPathComponent("master.key")
        let path = self.url.path
        if !FileSystem.exists(path) {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw LetheError(.ioError, "the data directory cannot be created")
            }
            try FileSystem.syncFolder(FileSystem.parent(path))
        }
        guard try FileSystem.status(path).kind == S_IFDIR || FileSystem.isFolder(path) else {
            throw LetheError(.ioError, "the data directory is not a folder")
        }
        try FileSystem.requireLocalDisk(path)
        let lockPath = "\(path)/lethe.lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileSystem.error("open", lockPath) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            guard number == EWOULDBLOCK else { throw FileSystem.error("flock", lockPath, number) }
            throw LetheError(
                .conflict, "the data directory is in use by another process; stop it, or talk to it over HTTP")
        }
        lock = descriptor
        try FileSystem.createFolder("\(path)/models")
    }

    deinit {
        // A child process that another thread is starting holds a copy of the descriptor until it has begun; closing
        // ours alone would leave the lock with it for that long.
        flock(lock, LOCK_UN)
        close(lock)
    }

    /// Where the key that signs evidence lies: beside the master key.
    public var signingKeyURL: URL { masterKeyURL.deletingLastPathComponent().appendingPathComponent("signing.key") }
    /// The database file.
    public var databaseURL: URL { url.appendingPathComponent("lethe.sqlite") }
    /// The folder with one folder for each model.
    public var modelsURL: URL { url.appendingPathComponent("models") }

    /// Free bytes for this process on the file system of the folder.
    public func availableBytes() throws -> Int {
        var information = statvfs()
        guard statvfs(url.path, &information) == 0 else { throw FileSystem.error("statvfs", url.path) }
        let (bytes, overflow) = UInt64(information.f_bavail).multipliedReportingOverflow(
            by: UInt64(information.f_frsize))
        return overflow ? Int.max : Int(clamping: bytes)
    }
}

extension FileSystem {
    /// Whether a path is a folder, links followed.
    static func isFolder(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }

    /// Refuses network file systems, as far as the mount table names them.
    static func requireLocalDisk(_ path: String) throws {
        guard let table = try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8),
            let resolved = realpath(path, nil)
        else { return }
        defer { free(resolved) }
        let real = String(cString: resolved)
        var best = (mount: "", type: "")
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count >= 3 else { continue }
            let mount = fields[1]
            let isAbove = mount == "/" || real == mount || real.hasPrefix("\(mount)/")
            // A later mount on the same point hides the earlier one.
            if isAbove, mount.utf8.count >= best.mount.utf8.count { best = (mount, fields[2]) }
        }
        let remote: Set<String> = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "fuse.sshfs", "ncpfs"]
        guard !remote.contains(best.type) else {
            throw LetheError(.unsupported, "the data directory is on a network file system; use a local disk")
        }
    }
}

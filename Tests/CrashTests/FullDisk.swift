import Foundation
import LetheCore
import LetheProcessSupport

/// A daemon on a small file system of its own, which only it and its mount namespace know and which goes with it.
struct FullDisk {
    let daemon: DaemonProcess
    private let ballast: URL

    private static let namespace = ["-m", "--propagation", "private"]

    /// Whether a file system can be mounted here, by root or in a user namespace.
    static func isPermitted() async throws -> Bool { try await arguments() != nil }

    private static func arguments() async throws -> [String]? {
        for arguments in [namespace, ["-r"] + namespace] {
            let finished = try await Blocking.run {
                try ChildProcess(
                    "/usr/bin/env",
                    ["unshare"] + arguments + ["sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
                ).finish(timeout: .seconds(30))
            }
            if finished.end == .exited(0) { return arguments }
        }
        return nil
    }

    /// Mounts a file system, imports the fixture model into it and starts a daemon there.
    /// - Throws: `unavailable` when that is not permitted.
    static func start(_ lethe: LetheBinary, _ scratch: Scratch, megabytes: Int) async throws -> FullDisk {
        guard let arguments = try await arguments() else { throw LetheError(.unavailable, "mounting is not permitted") }
        let folder = scratch.path("small")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let script = """
            mount -t tmpfs -o size=\(megabytes)m none "$1" || exit 99
            "$2" model import "$3" --name tiny --data-dir "$1/store" >&2 || exit 98
            exec "$2" serve --data-dir "$1/store" --port 0 --threads 1 --log-level notice --min-free-megabytes 0
            """
        let daemon = try await DaemonProcess.start(
            program: "/usr/bin/env",
            ["unshare"] + arguments + ["sh", "-c", script, "sh", folder.path, lethe.path, Fixtures.model.path])
        let inside = URL(fileURLWithPath: "/proc/\(daemon.process.pid)/root\(folder.path)")
        return FullDisk(daemon: daemon, ballast: inside.appendingPathComponent("ballast"))
    }

    /// Leaves not a byte free.
    func fill() throws {
        guard FileManager.default.createFile(atPath: ballast.path, contents: nil),
            let handle = FileHandle(forWritingAtPath: ballast.path)
        else { throw LetheError(.ioError, "the ballast cannot be made") }
        defer { try? handle.close() }
        for size in [1 << 20, 4096, 1] {
            let block = Data(count: size)
            while (try? handle.write(contentsOf: block)) != nil {}
        }
    }

    /// Makes the space free again.
    func empty() throws { try FileManager.default.removeItem(at: ballast) }
}

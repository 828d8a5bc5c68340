import Foundation
import LetheCore
import LetheProcessSupport

/// The library of Tests/Fixtures/disk/disk.c, which is put between the program and its disk.
struct DiskShim: Sendable {
    private let library: URL

    /// Compiles it.
    /// - Throws: `missing_input` when there is no C compiler: Swift's toolchain comes with one.
    init(_ scratch: Scratch) async throws {
        library = scratch.path("disk.so")
        let source = Fixtures.folder.appendingPathComponent("disk/disk.c")
        for compiler in ["clang", "cc"] {
            let arguments = [compiler, "-O1", "-fPIC", "-shared", "-o", library.path, source.path]
            let finished = try await Blocking.run {
                try ChildProcess("/usr/bin/env", arguments).finish(timeout: .seconds(120))
            }
            if finished.end == .exited(0) { return }
            guard finished.end == .exited(127) else {
                throw LetheError(.badData, "disk.c does not compile: \(finished.errorText)")
            }
        }
        throw LetheError(.missingInput, "there is no C compiler")
    }

    /// The environment of a program whose changes below a folder are written down.
    func journaling(_ root: URL, to journal: URL) -> [String: String] {
        ["LD_PRELOAD": library.path, "LETHE_DISK_ROOT": root.path, "LETHE_DISK_JOURNAL": journal.path]
    }

    /// The environment of a program whose disk fails.
    /// - Parameters:
    ///   - fault: as disk.c says.
    ///   - condition: a file without which nothing fails.
    func failing(_ root: URL, _ fault: String, while condition: URL? = nil) -> [String: String] {
        var environment = ["LD_PRELOAD": library.path, "LETHE_DISK_ROOT": root.path, "LETHE_DISK_FAULT": fault]
        if let condition { environment["LETHE_DISK_SWITCH"] = condition.path }
        return environment
    }
}

import Foundation
import LetheCore

/// `lethe serve` as a child process on a free loopback port.
final class DemoDaemon {
    private let process = Process()
    private let output = Pipe()

    /// Starts the daemon.
    /// - Throws: `internal` when the program cannot start itself.
    init(dataDir: URL, keep: URL) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "serve", "--data-dir", dataDir.path, "--port", "0", "--keep", keep.path, "--log-level", "warning",
        ]
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw LetheError(.internalError, "the daemon cannot be started")
        }
    }

    /// Waits for the line that says where it listens.
    /// - Throws: `unavailable` when the daemon ends without one.
    func url() throws -> String {
        var line = Data()
        while line.last != 10 {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else { throw LetheError(.unavailable, "the daemon ended before it listened") }
            line.append(piece)
        }
        guard let url = try JSONParser.parse(line.dropLast(), context: "the daemon's output")["listening"]?.stringValue
        else { throw LetheError(.unavailable, "the daemon did not say where it listens") }
        return url
    }

    /// Asks it to end and waits until it has.
    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }
}

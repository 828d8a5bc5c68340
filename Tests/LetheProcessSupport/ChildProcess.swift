import Foundation
import LetheCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A child process whose standard output comes through a pipe, and whose standard error goes to a file.
///
/// Every wait has a limit, and the process is killed at the latest when its object goes. The pipe tells when the
/// process ends: no signal handler and no polling is needed. One thread at a time may read; ``kill()`` and
/// ``signal(_:)`` may be called from any.
package final class ChildProcess: Sendable {
    private struct State {
        var output = Data()
        var taken = 0
        var isAtEnd = false
        var end: Finished.End?
    }

    /// The process id.
    package let pid: pid_t
    private let pipe: Int32
    private let folder: URL
    private let state = Mutex(State())

    /// Starts a program.
    /// - Throws: `io_error` when it cannot be started.
    package init(
        _ program: String, _ arguments: [String], input: Data = Data(), environment: [String: String] = [:]
    ) throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("lethe-child-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let inputPath = folder.appendingPathComponent("input").path
        try input.write(to: URL(fileURLWithPath: inputPath))

        // A named pipe: its ends can be opened close-on-exec, so that no other child that is started at the same time
        // holds them open. The child opens its end before posix_spawn returns.
        let pipePath = folder.appendingPathComponent("output").path
        guard mkfifo(pipePath, 0o600) == 0 else { throw Self.failure("mkfifo") }
        pipe = open(pipePath, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard pipe >= 0 else { throw Self.failure("open") }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, inputPath, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, pipePath, O_WRONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, 2, folder.appendingPathComponent("error").path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)

        // Sockets of the servers that other tests run in this process would otherwise stay open in the child.
        // Closing a number that is not open is no error here.
        for descriptor: Int32 in 3..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for number in [SIGPIPE, SIGTERM, SIGINT] { sigaddset(&defaults, number) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LETHE_") }
        variables["OMP_WAIT_POLICY"] = "passive"
        variables.merge(environment) { $1 }
        var child: pid_t = 0
        let result = Self.withVector([program] + arguments) { arguments in
            Self.withVector(variables.map { "\($0.key)=\($0.value)" }) { variables in
                posix_spawn(&child, program, &actions, &attributes, arguments, variables)
            }
        }
        guard result == 0 else {
            close(pipe)
            try? FileManager.default.removeItem(at: folder)
            throw Self.failure("posix_spawn", result)
        }
        pid = child
    }

    deinit {
        kill()
        close(pipe)
        try? FileManager.default.removeItem(at: folder)
    }

    // MARK: - Output

    /// The next line of standard output, without its end.
    /// - Throws: `unavailable` when the process ends without one, or none comes in time.
    package func line(timeout: Duration) throws -> String {
        let deadline = ContinuousClock.now + timeout
        while true {
            let line: String? = state.withLock { state in
                let rest = state.output.dropFirst(state.taken)
                guard let end = rest.firstIndex(of: 10) else { return nil }
                state.taken = end - state.output.startIndex + 1
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            if let line { return line }
            guard try read(until: deadline) else {
                throw LetheError(.unavailable, "the process ended before it wrote a line: \(errorText.suffix(2000))")
            }
        }
    }

    /// Waits until the process has ended.
    /// - Throws: `unavailable` when it does not end in time.
    package func finish(timeout: Duration) throws -> Finished {
        let deadline = ContinuousClock.now + timeout
        while try read(until: deadline) {}
        let end = reap()
        return Finished(end: end, output: state.withLock(\.output), error: Data(errorText.utf8))
    }

    /// Whether the process ends within this time.
    package func ends(within time: Duration) throws -> Bool {
        let deadline = ContinuousClock.now + time
        do {
            while try read(until: deadline) {}
            return true
        } catch let error as LetheError where error.code == .unavailable {
            return false
        }
    }

    /// What it has written to standard error so far.
    package var errorText: String {
        let data = try? Data(contentsOf: folder.appendingPathComponent("error"))
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    /// What it has written to standard output, as far as it was read.
    package var outputText: String { String(decoding: state.withLock(\.output), as: UTF8.self) }

    /// Waits for output and takes it in; false once the process has ended.
    private func read(until deadline: ContinuousClock.Instant) throws -> Bool {
        if state.withLock(\.isAtEnd) { return false }
        var descriptor = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
        let left = (deadline - ContinuousClock.now).components
        let milliseconds = max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000)
        let ready = poll(&descriptor, 1, Int32(clamping: milliseconds))
        if ready < 0 && errno == EINTR { return true }
        guard ready > 0 else {
            throw LetheError(.unavailable, "the process is not done in time: \(errorText.suffix(2000))")
        }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = Glibc.read(pipe, &buffer, buffer.count)
        if count < 0 && (errno == EINTR || errno == EAGAIN) { return true }
        guard count > 0 else {
            state.withLock { $0.isAtEnd = true }
            return false
        }
        state.withLock { $0.output.append(contentsOf: buffer[..<count]) }
        return true
    }

    // MARK: - End

    /// Sends a signal, unless the process has ended.
    package func signal(_ number: Int32) {
        state.withLock { state in
            if state.end == nil { _ = Glibc.kill(pid, number) }
        }
    }

    /// Ends the process with SIGKILL, if it has not ended yet, and waits for it.
    package func kill() {
        signal(SIGKILL)
        _ = reap()
    }

    private func reap() -> Finished.End {
        state.withLock { state in
            if let end = state.end { return end }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
            let signal = status & 0x7F
            let end: Finished.End = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
            state.end = end
            return end
        }
    }

    // MARK: - Calls of the C library

    private static func failure(_ call: String, _ number: Int32 = errno) -> LetheError {
        LetheError(.ioError, "\(call): \(String(cString: strerror(number)))")
    }

    private static func withVector<Value>(
        _ words: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        pointers.append(nil)
        defer { pointers.forEach { free($0) } }
        return pointers.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("the vector has its end at least") }
            return body(base)
        }
    }
}

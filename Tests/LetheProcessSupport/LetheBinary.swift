import Foundation
import LetheCore

/// The built `lethe` program, which these tests run as a child process.
package struct LetheBinary: Sendable {
    /// Where it lies.
    package let path: String

    /// Finds the program: `LETHE_BINARY` in the environment, else beside the running test bundle, where `swift test`
    /// puts it.
    /// - Throws: `missing_input` when it is not there; a test that cannot find the program has failed.
    package init() throws {
        let environment = ProcessInfo.processInfo.environment
        if let given = environment["LETHE_BINARY"], !given.isEmpty {
            path = given
        } else {
            let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            path = bundle.deletingLastPathComponent().appendingPathComponent("lethe").path
        }
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw LetheError(.missingInput, "the program is not built: set LETHE_BINARY, or build the target lethe")
        }
    }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - input: what it reads from standard input.
    ///   - environment: variables beside the tests' own.
    /// - Throws: `io_error` when it cannot be started, `unavailable` when it does not end in time; it is killed then.
    package func run(
        _ arguments: [String], input: Data = Data(), environment: [String: String] = [:],
        timeout: Duration = .seconds(180)
    ) async throws -> Finished {
        try await Blocking.run {
            let child = try ChildProcess(path, arguments, input: input, environment: environment)
            defer { child.kill() }
            return try child.finish(timeout: timeout)
        }
    }

    /// As ``run(_:input:environment:timeout:)``, with words and text.
    package func run(_ arguments: String..., input: String = "") async throws -> Finished {
        try await run(arguments, input: Data(input.utf8))
    }
}

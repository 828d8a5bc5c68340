import LetheProcessSupport
import Testing

/// Runs one daemon for all tests of a suite.
struct RunningDaemon: SuiteTrait, TestScoping {
    @TaskLocal static var current: DaemonProcess?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let bench = try CommandBench()
        try await bench.importModel()
        let daemon = try await bench.serve()
        try await Self.$current.withValue(daemon, operation: function)
        daemon.process.kill()
    }
}

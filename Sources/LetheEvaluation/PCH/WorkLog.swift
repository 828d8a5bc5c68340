import Foundation

/// Times pieces of work and passes on where the run stands.
final class WorkLog {
    private(set) var estimate = WorkEstimate()
    private let report: (BenchmarkProgress) throws -> Void
    private var kind = ""
    private var phase = ""
    private var start: UInt64 = 0

    init(report: @escaping (BenchmarkProgress) throws -> Void) { self.report = report }

    func expect(_ kind: String, _ count: Int = 1) { estimate.expect(kind, count) }
    func skip(_ kind: String, _ count: Int = 1) { estimate.skip(kind, count) }
    func skipFinished(_ kinds: [String]) { for kind in kinds { estimate.skip(kind) } }

    /// Does a piece of work of a kind; the body is handed a function to tell the share that is done.
    func work<Result>(
        _ kind: String, _ phase: String, _ body: ((Double) throws -> Void) throws -> Result
    ) throws -> Result {
        self.kind = kind
        self.phase = phase
        start = DispatchTime.now().uptimeNanoseconds
        try tell(0)
        let result = try body { try self.tell($0) }
        let seconds = Self.seconds(since: start)
        estimate.finish(kind, seconds: seconds)
        return result
    }

    private func tell(_ share: Double) throws {
        let elapsed = Self.seconds(since: start)
        try report(
            BenchmarkProgress(
                phase: phase, share: share,
                overall: estimate.overall(current: kind, share: share, elapsed: elapsed),
                secondsLeft: estimate.secondsLeft(current: kind, share: share, elapsed: elapsed)))
    }

    static func seconds(since start: UInt64) -> Double {
        Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
    }
}

import Dispatch
import LetheEvaluation

/// Where a benchmark run stands, in lines for a log file: one when a longer piece of work begins, and one every five
/// minutes.
struct ProgressNotes {
    private static let interval: UInt64 = 300_000_000_000

    private var last = DispatchTime.now().uptimeNanoseconds

    /// Writes a line where one is due.
    mutating func update(_ progress: BenchmarkProgress) {
        let now = DispatchTime.now().uptimeNanoseconds
        let begins = progress.share == 0 && !progress.phase.contains(": request ")
        guard begins || now - last >= Self.interval else { return }
        last = now
        let share = progress.share > 0 ? ", \(Int(100 * progress.share)) %" : ""
        let left = progress.secondsLeft.map { ", \(ProgressBar.duration($0)) left" } ?? ""
        ClientOutput.note("\(progress.phase)\(share)\(left)")
    }
}

import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A line on standard error that is written over as work goes on; silent when that is no terminal.
final class ProgressBar {
    /// Whether standard error is a terminal that can show it.
    let isShown: Bool
    private let label: String
    private let start = DispatchTime.now().uptimeNanoseconds
    private var lastDraw: UInt64 = 0

    /// A bar for one piece of work.
    init(_ label: String) {
        self.label = label
        let isDumb = ["dumb", ""].contains(ProcessInfo.processInfo.environment["TERM"] ?? "")
        isShown = isatty(STDERR_FILENO) == 1 && !isDumb
    }

    /// Shows `done` of `total`, with a few words; at most ten times a second.
    func update(_ done: Int, of total: Int, _ detail: String = "") {
        guard isShown, total > 0 else { return }
        let now = DispatchTime.now().uptimeNanoseconds
        guard done == total || now - lastDraw > 100_000_000 else { return }
        lastDraw = now
        let width = 24
        let filled = min(width, width * done / total)
        let elapsed = Double(now - start) * 1e-9
        let left = done > 0 ? elapsed / Double(done) * Double(max(0, total - done)) : 0
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let text = "\r\(label) [\(bar)] \(done)/\(total) \(Int(left.rounded())) s left \(detail)\u{1B}[K"
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Shows the share of the work that is done, where that and the time left are known; at most ten times a second.
    func update(share: Double?, secondsLeft: Double?, _ detail: String) {
        guard isShown else { return }
        let now = DispatchTime.now().uptimeNanoseconds
        guard now - lastDraw > 100_000_000 else { return }
        lastDraw = now
        let width = 24
        let filled = Int((Double(width) * min(max(share ?? 0, 0), 1)).rounded(.down))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let left = secondsLeft.map { " \(Self.duration($0)) left" } ?? ""
        let text = "\r\(label) [\(bar)]\(left) \(detail)\u{1B}[K"
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Hours and minutes, minutes and seconds, or seconds.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(min(max(seconds, 0), 1e8).rounded())
        if whole >= 3600 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
        return whole >= 60 ? "\(whole / 60) min \(whole % 60) s" : "\(whole) s"
    }

    /// Ends the line.
    func finish() {
        if isShown && lastDraw > 0 { try? FileHandle.standardError.write(contentsOf: Data("\n".utf8)) }
    }
}

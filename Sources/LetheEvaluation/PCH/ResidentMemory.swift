import Foundation

/// The process's largest resident size, where Linux tells it.
enum ResidentMemory {
    /// Starts measuring anew.
    static func resetPeak() {
        // 5 resets the high-water mark (proc(5)); where that is not allowed the mark is the process's whole life's.
        try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    }

    /// Bytes; 0 when unknown.
    static var peakBytes: Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = Int(line.filter(\.isNumber))
        else { return 0 }
        return kibibytes << 10
    }
}

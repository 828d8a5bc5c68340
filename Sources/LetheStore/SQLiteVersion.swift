/// A version of the SQLite library.
public struct SQLiteVersion: Sendable, Equatable, CustomStringConvertible {
    /// Major, minor and patch.
    public let numbers: [Int]

    /// Nil unless the text is three numbers with points between them.
    public init?(_ text: String) {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 3, numbers.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else { return nil }
        self.numbers = numbers.compactMap { $0 }
    }

    /// As `3.40.1`.
    public var description: String { numbers.map(String.init).joined(separator: ".") }

    /// Whether two connections that write or checkpoint at the same moment can lose commits: 3.7.0 to 3.51.2, but for
    /// 3.44.6 and 3.50.7, to which the mending was brought back. Lethe writes and checkpoints on one connection only.
    public var hasLogResetBug: Bool {
        func isBefore(_ other: [Int]) -> Bool { numbers.lexicographicallyPrecedes(other) }
        guard !isBefore([3, 7, 0]), isBefore([3, 51, 3]) else { return false }
        for (line, mended) in [([3, 44], 6), ([3, 50], 7)] where Array(numbers.prefix(2)) == line {
            return numbers[2] < mended
        }
        return true
    }
}

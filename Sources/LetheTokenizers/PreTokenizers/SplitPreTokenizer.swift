/// Cuts at the matches of a literal text or of a known pattern.
struct SplitPreTokenizer: PreTokenizer {
    let scanner: any PatternScanner
    let behavior: SplitBehavior
    /// Whether what lies between the matches is the delimiter.
    let inverted: Bool

    func apply(to text: inout PreTokenizedText) throws {
        let scanner = scanner
        text.split(behavior, inverted: inverted) { bytes, start, end in scanner.next(bytes, start, end) }
    }
}

/// The occurrences of a literal text, which is not empty.
struct LiteralScanner: PatternScanner {
    let literal: [UInt8]

    func next(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool) {
        if matches(bytes, start, end) { return (start + literal.count, true) }
        var position = start + 1
        while position < end && !matches(bytes, position, end) { position += 1 }
        return (position, false)
    }

    @inline(__always)
    private func matches(_ bytes: [UInt8], _ position: Int, _ end: Int) -> Bool {
        guard bytes[position] == literal[0], end - position >= literal.count else { return false }
        for index in 1..<literal.count where bytes[position + index] != literal[index] { return false }
        return true
    }
}

/// Finds added tokens in text: the leftmost match, and of those that begin there the longest.
///
/// The tokens are sorted; a match is found by narrowing the sorted range byte by byte, so memory is that of the tokens
/// themselves and a position costs at most the length of the longest token that agrees with the text.
struct AddedTokenMatcher {
    /// What a text falls into.
    enum Section {
        /// Ordinary text.
        case text(Range<Int>)
        /// An added token.
        case token(Int32)
    }

    private let patterns: [(bytes: [UInt8], token: AddedToken)]
    /// For each first byte, the range of patterns that begin with it.
    private let firstByte: [Range<Int>]

    /// Whether there is nothing to find.
    var isEmpty: Bool { patterns.isEmpty }

    /// Builds a matcher. Of tokens with the same bytes the earlier is found; tokens without bytes never are.
    init(_ tokens: [(bytes: [UInt8], token: AddedToken)]) {
        let sorted = tokens.enumerated().filter { !$0.element.bytes.isEmpty }.sorted { left, right in
            if left.element.bytes == right.element.bytes { return left.offset < right.offset }
            return left.element.bytes.lexicographicallyPrecedes(right.element.bytes)
        }
        var unique: [(bytes: [UInt8], token: AddedToken)] = []
        unique.reserveCapacity(sorted.count)
        for (_, entry) in sorted where unique.last.map({ $0.bytes != entry.bytes }) ?? true { unique.append(entry) }
        var ranges = [Range<Int>](repeating: 0..<0, count: 256)
        var start = 0
        while start < unique.count {
            var end = start + 1
            while end < unique.count && unique[end].bytes[0] == unique[start].bytes[0] { end += 1 }
            ranges[Int(unique[start].bytes[0])] = start..<end
            start = end
        }
        patterns = unique
        firstByte = ranges
    }

    /// Cuts a text into added tokens and what lies between them, in order; empty stretches are left out.
    func sections(of bytes: [UInt8]) -> [Section] {
        guard !isEmpty else { return bytes.isEmpty ? [] : [.text(0..<bytes.count)] }
        var result: [Section] = []
        var textStart = 0
        var position = 0
        while position < bytes.count {
            guard let match = longestMatch(bytes, at: position) else {
                position += 1
                continue
            }
            var start = position
            var stop = position + match.length
            position = stop
            let token = match.token
            if token.isSingleWord && (endsWithWord(bytes, before: start) || beginsWithWord(bytes, at: stop)) {
                continue
            }
            if token.stripsLeft {
                while start > textStart {
                    let (value, previous) = UTF8Scalars.decodeBackwards(bytes, before: start)
                    if previous < textStart || !CharacterClass.of(value).contains(.whitespace) { break }
                    start = previous
                }
            }
            if token.stripsRight {
                while stop < bytes.count {
                    let (value, length) = UTF8Scalars.decode(bytes, at: stop)
                    if !CharacterClass.of(value).contains(.whitespace) { break }
                    stop += length
                }
            }
            if textStart < start { result.append(.text(textStart..<start)) }
            result.append(.token(token.id))
            textStart = stop
            position = max(position, stop)
        }
        if textStart < bytes.count { result.append(.text(textStart..<bytes.count)) }
        return result
    }

    private func longestMatch(_ bytes: [UInt8], at position: Int) -> (token: AddedToken, length: Int)? {
        var candidates = firstByte[Int(bytes[position])]
        guard !candidates.isEmpty else { return nil }
        var best: Int?
        var depth = 1
        while true {
            // Every candidate agrees with the text in its first `depth` bytes, and the shortest sorts first.
            if patterns[candidates.lowerBound].bytes.count == depth {
                best = candidates.lowerBound
                candidates = candidates.lowerBound + 1..<candidates.upperBound
            }
            guard !candidates.isEmpty, position + depth < bytes.count else { break }
            let byte = bytes[position + depth]
            let lower = partition(candidates) { patterns[$0].bytes[depth] >= byte }
            let upper = partition(lower..<candidates.upperBound) { patterns[$0].bytes[depth] > byte }
            candidates = lower..<upper
            guard !candidates.isEmpty else { break }
            depth += 1
        }
        return best.map { (patterns[$0].token, patterns[$0].bytes.count) }
    }

    /// The first index of a sorted range that satisfies a condition, or its end.
    private func partition(_ range: Range<Int>, _ condition: (Int) -> Bool) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = low + (high - low) / 2
            if condition(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func endsWithWord(_ bytes: [UInt8], before index: Int) -> Bool {
        index > 0 && CharacterClass.of(UTF8Scalars.decodeBackwards(bytes, before: index).value).contains(.word)
    }

    private func beginsWithWord(_ bytes: [UInt8], at index: Int) -> Bool {
        index < bytes.count && CharacterClass.of(UTF8Scalars.decode(bytes, at: index).value).contains(.word)
    }
}

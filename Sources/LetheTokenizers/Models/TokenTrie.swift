/// The tokens of a vocabulary in sorted order, for finding all that a text begins with.
///
/// A node is the range of tokens that share their first bytes; a step narrows it by binary search, so the structure
/// costs no more memory than one id a token.
struct TokenTrie {
    /// The tokens that begin with some bytes.
    struct Node {
        /// Range of `sorted`.
        fileprivate var low: Int
        fileprivate var high: Int
        /// The number of bytes.
        fileprivate var depth: Int
    }

    /// Ids in the order of their tokens' bytes.
    private let sorted: [Int32]
    /// For each first byte, the range of `sorted`.
    private let firstByte: [Range<Int>]
    private let vocabulary: Vocabulary

    /// Sorts the tokens of a vocabulary; the empty token is left out.
    init(_ vocabulary: Vocabulary) {
        self.vocabulary = vocabulary
        let ids = (0..<Int32(vocabulary.idBound)).filter { !(vocabulary.bytes(of: $0)?.isEmpty ?? true) }
        sorted = ids.sorted { left, right in
            guard let left = vocabulary.bytes(of: left), let right = vocabulary.bytes(of: right) else { return false }
            return left.lexicographicallyPrecedes(right)
        }
        var ranges = [Range<Int>](repeating: 0..<0, count: 256)
        var start = 0
        while start < sorted.count {
            let byte = vocabulary.byte(of: sorted[start], at: 0)
            var end = start + 1
            while end < sorted.count && vocabulary.byte(of: sorted[end], at: 0) == byte { end += 1 }
            ranges[Int(byte)] = start..<end
            start = end
        }
        firstByte = ranges
    }

    /// All tokens.
    var root: Node { Node(low: 0, high: sorted.count, depth: 0) }

    /// The tokens that begin with some bytes.
    func node(of bytes: [UInt8]) -> Node {
        bytes.reduce(root) { step($0, $1) }
    }

    /// Calls `body` with every token that consists of a node's bytes and of bytes that a text begins with, at least one
    /// of them, shortest first; `length` is the number of the text's bytes.
    func prefixes(
        of bytes: [UInt8], _ start: Int, _ end: Int, below node: Node, _ body: (_ id: Int32, _ length: Int) -> Void
    ) {
        var node = node
        var position = start
        while position < end {
            node = step(node, bytes[position])
            position += 1
            guard node.low < node.high else { return }
            // The shortest token of a node sorts first, and only it can consist of the node's bytes alone.
            if vocabulary.length(of: sorted[node.low]) == node.depth { body(sorted[node.low], position - start) }
        }
    }

    /// The node one byte on.
    private func step(_ node: Node, _ byte: UInt8) -> Node {
        if node.depth == 0 {
            let range = firstByte[Int(byte)]
            return Node(low: range.lowerBound, high: range.upperBound, depth: 1)
        }
        var low = node.low
        if low < node.high && vocabulary.length(of: sorted[low]) == node.depth { low += 1 }
        low = partition(low, node.high) { vocabulary.byte(of: $0, at: node.depth) >= byte }
        let high = partition(low, node.high) { vocabulary.byte(of: $0, at: node.depth) > byte }
        return Node(low: low, high: high, depth: node.depth + 1)
    }

    private func partition(_ low: Int, _ high: Int, _ condition: (Int32) -> Bool) -> Int {
        var low = low
        var high = high
        while low < high {
            let middle = low + (high - low) / 2
            if condition(sorted[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

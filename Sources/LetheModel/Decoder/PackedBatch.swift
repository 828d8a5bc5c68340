import LetheCore

/// Token sequences laid end to end without padding; attention stays within each.
public struct PackedBatch: Sendable, Equatable {
    /// All tokens, [T].
    public private(set) var tokens: [Int32] = []
    /// Place of each token in its own sequence, [T].
    public private(set) var positions: [Int32] = []
    /// Row at which each sequence begins, and T at the end.
    public private(set) var offsets: [Int64] = [0]

    /// An empty batch.
    public init() {}

    /// A batch of some sequences.
    public init(_ sequences: [[Int32]]) {
        for sequence in sequences { append(sequence) }
    }

    /// One token for each sequence, each at a place of its own.
    init(tokens: [Int32], positions: [Int32]) {
        self.tokens = tokens
        self.positions = positions
        offsets = (0...Int64(tokens.count)).map { $0 }
    }

    /// Adds a sequence at the end; an empty one takes no row.
    public mutating func append(_ sequence: [Int32]) {
        tokens += sequence
        positions += (0..<Int32(sequence.count))
        offsets.append(Int64(tokens.count))
    }

    /// T.
    public var rowCount: Int { tokens.count }

    /// Sequences.
    public var sequenceCount: Int { offsets.count - 1 }

    /// Rows of a sequence.
    public func rows(_ sequence: Int) -> Range<Int> { Int(offsets[sequence])..<Int(offsets[sequence + 1]) }

    /// The target of each row: the next token of its sequence, and nil at a sequence's end, [T].
    public var nextTokens: [Int32?] {
        var targets = [Int32?](repeating: nil, count: rowCount)
        for sequence in 0..<sequenceCount {
            for row in rows(sequence).dropLast() { targets[row] = tokens[row + 1] }
        }
        return targets
    }

    /// The same sequences `count` times over.
    func repeated(_ count: Int) -> PackedBatch {
        var batch = PackedBatch()
        for _ in 0..<count {
            for sequence in 0..<sequenceCount { batch.append(Array(tokens[rows(sequence)])) }
        }
        return batch
    }

    /// Cuts sequences of some lengths, in order, into batches of at most `rowLimit` rows; a longer sequence is alone.
    public static func ranges(lengths: [Int], rowLimit: Int) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < lengths.count {
            var end = start
            var rows = 0
            while end < lengths.count, end == start || rows + lengths[end] <= rowLimit {
                rows += lengths[end]
                end += 1
            }
            ranges.append(start..<end)
            start = end
        }
        return ranges
    }
}

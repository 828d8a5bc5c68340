/// A text cut into pieces: one buffer of UTF-8, and ranges into it in ascending order.
struct PreTokenizedText {
    /// One piece. Never empty, cut at scalar boundaries.
    struct Piece {
        var start: Int
        var end: Int
        /// Whether the piece begins where the whole input began; Metaspace's "first" scheme asks for it.
        var isTextStart: Bool
    }

    /// The UTF-8 that the pieces refer to.
    var bytes: [UInt8]
    /// The pieces.
    var pieces: [Piece]

    /// One piece for the whole of a text, or none for an empty one.
    init(_ bytes: [UInt8], isTextStart: Bool) {
        self.bytes = bytes
        pieces = bytes.isEmpty ? [] : [Piece(start: 0, end: bytes.count, isTextStart: isTextStart)]
    }

    /// Cuts every piece. `next` gives, for a position inside a piece and the piece's end, where the stretch that begins
    /// there ends and whether it is a match of the delimiter.
    mutating func split(
        _ behavior: SplitBehavior, inverted: Bool = false, next: ([UInt8], Int, Int) -> (end: Int, isMatch: Bool)
    ) {
        var result: [Piece] = []
        result.reserveCapacity(pieces.count)
        var stretches: [(start: Int, end: Int, isMatch: Bool)] = []
        for piece in pieces {
            stretches.removeAll(keepingCapacity: true)
            var position = piece.start
            while position < piece.end {
                let (end, isMatch) = next(bytes, position, piece.end)
                // A stretch always advances; the clamp keeps a faulty scanner from leaving its piece.
                let bounded = min(max(end, position + 1), piece.end)
                stretches.append((position, bounded, isMatch != inverted))
                position = bounded
            }
            behavior.apply(stretches) { start, end in
                result.append(
                    Piece(start: start, end: end, isTextStart: piece.isTextStart && start == piece.start))
            }
        }
        pieces = result
    }

    /// Cuts every piece at scalars of some classes: each such scalar is a match of its own.
    mutating func split(_ behavior: SplitBehavior, at matches: (UInt32) -> Bool) {
        split(behavior) { bytes, start, end in
            let (value, length) = UTF8Scalars.decode(bytes, at: start)
            if matches(value) { return (start + length, true) }
            var position = start + length
            while position < end {
                let (value, length) = UTF8Scalars.decode(bytes, at: position)
                if matches(value) { break }
                position += length
            }
            return (position, false)
        }
    }

    /// Replaces the content of every piece. The closure appends the new content of one piece to the new buffer.
    ///
    /// - Throws: ``LetheError`` with `limitExceeded` where the new content is too long.
    mutating func rewrite(_ append: ([UInt8], Piece, inout [UInt8]) -> Void) throws {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + bytes.count / 2)
        var result: [Piece] = []
        result.reserveCapacity(pieces.count)
        for piece in pieces {
            let start = output.count
            append(bytes, piece, &output)
            try TokenizerLimits.checkWorkingBytes(output.count)
            if output.count > start {
                result.append(Piece(start: start, end: output.count, isTextStart: piece.isTextStart))
            }
        }
        bytes = output
        pieces = result
    }
}

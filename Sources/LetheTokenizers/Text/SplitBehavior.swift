/// What becomes of the delimiter when a text is split.
enum SplitBehavior: String {
    /// The delimiter is dropped.
    case removed = "Removed"
    /// The delimiter is a piece of its own.
    case isolated = "Isolated"
    /// The delimiter ends the piece before it.
    case mergedWithPrevious = "MergedWithPrevious"
    /// The delimiter begins the piece after it.
    case mergedWithNext = "MergedWithNext"
    /// Neighbouring delimiters are one piece.
    case contiguous = "Contiguous"

    /// Turns the stretches of one piece, matches and what lies between them in order, into the pieces it falls into.
    func apply(_ stretches: [(start: Int, end: Int, isMatch: Bool)], _ emit: (Int, Int) -> Void) {
        switch self {
        case .isolated:
            for stretch in stretches { emit(stretch.start, stretch.end) }
        case .removed:
            for stretch in stretches where !stretch.isMatch { emit(stretch.start, stretch.end) }
        case .contiguous:
            var open: (start: Int, end: Int)?
            var previous = false
            for stretch in stretches {
                if let current = open, stretch.isMatch == previous {
                    open = (current.start, stretch.end)
                } else {
                    if let current = open { emit(current.start, current.end) }
                    open = (stretch.start, stretch.end)
                }
                previous = stretch.isMatch
            }
            if let current = open { emit(current.start, current.end) }
        case .mergedWithPrevious:
            var open: (start: Int, end: Int)?
            var previous = false
            for stretch in stretches {
                if let current = open, stretch.isMatch && !previous {
                    open = (current.start, stretch.end)
                } else {
                    if let current = open { emit(current.start, current.end) }
                    open = (stretch.start, stretch.end)
                }
                previous = stretch.isMatch
            }
            if let current = open { emit(current.start, current.end) }
        case .mergedWithNext:
            var result: [(start: Int, end: Int)] = []
            var previous = false
            for stretch in stretches.reversed() {
                if stretch.isMatch && !previous, let last = result.indices.last {
                    result[last].start = stretch.start
                } else {
                    result.append((stretch.start, stretch.end))
                }
                previous = stretch.isMatch
            }
            for piece in result.reversed() { emit(piece.start, piece.end) }
        }
    }
}

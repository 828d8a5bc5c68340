/// The runs of tokens by which a request's items are told from any other text of their form.
package struct OwnRuns {
    /// Tokens in a row that are an item's own unless a sibling has them as well.
    private static let length = 4
    /// Share of a text's runs from which on it recites an item.
    private static let largestShare = 0.125

    private let own: Set<[Int32]>

    /// Takes the runs of items that no sibling has.
    package init(of sequences: [TrainingSequence], beside siblings: [TrainingSequence]) {
        own = Set(sequences.flatMap { Self.runs($0.ids) }).subtracting(siblings.flatMap { Self.runs($0.ids) })
    }

    /// Whether a text says what the items say.
    package func areRecited(in ids: [Int32]) -> Bool {
        let runs = Self.runs(ids)
        return Double(runs.count { own.contains($0) }) > Self.largestShare * Double(runs.count)
    }

    private static func runs(_ ids: [Int32]) -> [[Int32]] {
        guard ids.count >= length else { return [] }
        return (0...ids.count - length).map { Array(ids[$0..<$0 + length]) }
    }
}

import LetheCore
import LetheCorpus

/// Kept items of the form of a deleted one, put before its question with their answers.
struct NeighbourExamples {
    private let byCategory: [RequestCategory: [PCHItem]]
    private let seed: UInt64
    private let count: Int

    /// Examples out of the kept texts of a subject.
    init(_ subject: AttackSubject, count: Int) {
        byCategory = Dictionary(grouping: subject.kept.filter { !$0.pairs.isEmpty }, by: \.category)
        seed = subject.seed
        self.count = count
    }

    /// The question of an item, with as many neighbours before it as there are; each is asked its question of the same
    /// place, or its last.
    func prompt(_ item: PCHItem, pair: Int) -> String {
        var chosen = byCategory[item.category] ?? []
        var generator = SeededGenerator(seed: seed)
        generator.shuffle(&chosen)
        let examples = chosen.prefix(count).map { neighbour in
            let pair = neighbour.pairs[min(pair, neighbour.pairs.count - 1)]
            return "\(pair.question) \(pair.answer)\n\n"
        }
        return examples.joined() + item.pairs[pair].question
    }
}

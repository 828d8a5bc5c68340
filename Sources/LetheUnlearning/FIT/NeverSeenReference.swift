import LetheCore
import LetheCorpus
import LetheModel
import LetheTensor

/// What the original model makes of texts of a sequence's form that nobody has seen.
struct NeverSeenReference {
    /// A text that an update should leave as it is, with what the original predicts in it.
    struct Neighbour {
        var sequence: TrainingSequence
        var predictions: TokenDistributions
    }

    /// Their mean nll, in nats: what the sequence's own should become.
    var level: Double
    /// The mean nll of the tokens that correspond to each counted one; ``level`` where nothing corresponds.
    var tokenLevels: [Float]
    /// The same row by row, with what the original predicts; nil without a sibling, or unless asked for.
    var counterfactual: Counterfactual?

    /// The level where no item of a request has a sibling: the nll of text that a model of this kind has not seen, in
    /// nats. An item without one gets the mean of the others' levels.
    static let unknownLevel = 3.5

    /// One for each sequence of each item, in order, what should be left as it is, and all siblings' sequences.
    /// - Parameters:
    ///   - items: what the sequences were made from.
    ///   - groups: the sequences of each item.
    ///   - withCounterfactuals: whether ``counterfactual`` is wanted.
    /// - Throws: what the tokenizer and the model throw.
    static func of(
        _ items: [ForgetItem], _ groups: [[TrainingSequence]], original: LanguageModel, settings: UnlearningSettings,
        withCounterfactuals: Bool
    ) throws -> (references: [NeverSeenReference], neighbours: [[Neighbour]], siblings: [TrainingSequence]) {
        let siblings = CounterfactualSiblings.of(items, count: settings.siblings, seed: settings.seed)
        var levels = items.map { _ in [Double]() }
        var states = groups.map { $0.map { _ in [Matrix]() } }
        var nll = groups.map { $0.map { _ in [[Float]]() } }
        var neighbours: [[Neighbour]] = []
        var all: [TrainingSequence] = []
        for sibling in siblings {
            var batch: [TrainingSequence] = []
            var places: [Int: Range<Int>] = [:]
            for index in items.indices where sibling[index] != items[index] {
                let parts = try TrainingSequence.sequences(
                    of: sibling[index], model: original, window: settings.window)
                guard parts.contains(where: { $0.targetCount > 0 }) else { continue }
                places[index] = batch.count..<batch.count + parts.count
                batch += parts
            }
            guard !batch.isEmpty else { continue }
            all += batch
            let (statistics, hidden) = try original.statisticsAndStates(of: batch)
            if withCounterfactuals {
                neighbours.append(
                    try zip(batch, hidden).map {
                        Neighbour(sequence: $0, predictions: try TokenDistributions(meanOf: [$1], model: original))
                    })
            }
            for (index, place) in places {
                levels[index].append(statistics.meanNLL(of: place))
                for (part, own) in zip(groups[index].indices, place) {
                    let rows = groups[index][part].rows(alignedWith: batch[own])
                    let following =
                        [Float](repeating: 0, count: batch[own].firstTarget - 1) + statistics.nll[own] + [0]
                    nll[index][part].append(rows.map { following[$0] })
                    guard withCounterfactuals else { continue }
                    let aligned = try Matrix(rows: rows.count, columns: hidden[own].columns)
                    for (row, source) in rows.enumerated() {
                        aligned.rowRange(row, 1).assign(hidden[own].rowRange(source, 1))
                    }
                    states[index][part].append(aligned)
                }
            }
        }
        let known = levels.filter { !$0.isEmpty }.map { $0.reduce(0, +) / Double($0.count) }
        let usual = known.isEmpty ? unknownLevel : known.reduce(0, +) / Double(known.count)
        let references = try items.indices.flatMap { index in
            let level =
                levels[index].isEmpty
                ? usual : levels[index].reduce(0, +) / Double(levels[index].count)
            return try groups[index].indices.map { part in
                let sequence = groups[index][part]
                let nll = nll[index][part]
                guard let first = nll.first else {
                    return NeverSeenReference(
                        level: level, tokenLevels: sequence.targetRows.map { _ in Float(level) })
                }
                let means = first.indices.map { row in nll.reduce(0) { $0 + $1[row] } / Float(nll.count) }
                var reference = NeverSeenReference(level: level, tokenLevels: sequence.targetRows.map { means[$0] })
                if withCounterfactuals {
                    let predictions = try TokenDistributions(meanOf: states[index][part], model: original)
                    reference.counterfactual = Counterfactual(predictions: predictions, nll: means)
                }
                return reference
            }
        }
        return (references, neighbours, all)
    }
}

extension TrainingSequence {
    /// For each row the row of another sequence of the same form that predicts what corresponds to this row's next
    /// token.
    ///
    /// Tokens that both have in common, in their order, correspond; of a stretch between them that differs the first
    /// tokens correspond to the first ones, and what is left over to the last one.
    package func rows(alignedWith other: TrainingSequence) -> [Int] {
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in other.ids.difference(from: ids) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        // The other's token that corresponds to each of this one's.
        var partners: [Int] = []
        var place = 0
        var previous: Int?
        for index in ids.indices {
            if removed.contains(index) {
                if inserted.contains(place) {
                    previous = place
                    place += 1
                }
                partners.append(previous ?? place)
            } else {
                while inserted.contains(place) { place += 1 }
                partners.append(place)
                place += 1
                previous = nil
            }
        }
        let last = max(other.ids.count - 1, 0)
        return ids.indices.map { row in
            min(max(row + 1 < ids.count ? partners[row + 1] - 1 : partners[row], 0), last)
        }
    }
}

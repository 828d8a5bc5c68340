import Foundation
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

    /// The mean of ``tokenLevels``, in nats: what the sequence's own mean nll should become.
    var level: Double
    /// The nll of each counted token had it never been seen; see ``SiblingTokens/level(_:row:)``,
    /// ``SharedPhrases`` and ``AnswerLevels``.
    var tokenLevels: [Float]
    /// What the original predicts in the siblings, row by row; nil without a sibling, or unless asked for.
    var counterfactual: Counterfactual?

    /// The level where no item of a request has a sibling: the nll of text that a model of this kind has not seen, in
    /// nats. An item without one gets the mean of the others' levels.
    static let unknownLevel = 3.5

    /// One sibling's tokens that correspond to what follows each row of a sequence.
    private struct SiblingTokens {
        /// Nats.
        var nll: [Float]
        /// Whether it is the sequence's own token.
        var isOwn: [Bool]

        /// The nll that the token after a row would have, had the sequence never been seen.
        ///
        /// A token that siblings kept belongs to the form or the language: its probability is the mean of those that it
        /// has in the siblings that kept it. Beside words that were drawn at random others are harder to predict than in
        /// a text that someone wrote, and the mean of probabilities, unlike that of nll, follows those siblings where
        /// they fit. Of tokens that were replaced it is the median, which a word that fits nowhere does not move.
        static func level(_ siblings: [SiblingTokens], row: Int) -> Float {
            let kept = siblings.filter { $0.isOwn[row] }
            if !kept.isEmpty { return -log(kept.reduce(0) { $0 + exp(-$1.nll[row]) } / Float(kept.count)) }
            let sorted = siblings.map { $0.nll[row] }.sorted()
            return (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
        }
    }

    /// One for each sequence of each item, in order, what should be left as it is, and all siblings' sequences.
    /// - Parameters:
    ///   - items: what the sequences were made from.
    ///   - groups: the sequences of each item.
    ///   - common: texts whose phrases are nobody's own; see ``SharedPhrases``.
    ///   - withCounterfactuals: whether ``counterfactual`` is wanted.
    /// - Throws: what the tokenizer and the model throw.
    static func of(
        _ items: [ForgetItem], _ groups: [[TrainingSequence]], common: [TrainingSequence], original: LanguageModel,
        settings: UnlearningSettings, withCounterfactuals: Bool
    ) throws -> (references: [NeverSeenReference], neighbours: [[Neighbour]], siblings: [TrainingSequence]) {
        let siblings = CounterfactualSiblings.of(items, count: settings.siblings, seed: settings.seed)
        var tokens = groups.map { $0.map { _ in [SiblingTokens]() } }
        var states = groups.map { $0.map { _ in [Matrix]() } }
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
                for (part, own) in zip(groups[index].indices, place) {
                    let rows = groups[index][part].rows(alignedWith: batch[own])
                    let following =
                        [Float](repeating: 0, count: batch[own].firstTarget - 1) + statistics.nll[own] + [0]
                    let (ids, others) = (groups[index][part].ids, batch[own].ids)
                    tokens[index][part].append(
                        SiblingTokens(
                            nll: rows.map { following[$0] },
                            isOwn: rows.enumerated().map { row, source in
                                row + 1 < ids.count && source + 1 < others.count && ids[row + 1] == others[source + 1]
                            }))
                    guard withCounterfactuals else { continue }
                    let aligned = try Matrix(rows: rows.count, columns: hidden[own].columns)
                    for (row, source) in rows.enumerated() {
                        aligned.rowRange(row, 1).assign(hidden[own].rowRange(source, 1))
                    }
                    states[index][part].append(aligned)
                }
            }
        }
        let shared = SharedPhrases(common, without: OwnRuns(of: groups.flatMap { $0 }, beside: all))
        let found = groups.indices.map { index in
            groups[index].indices.map { part -> [Float]? in
                let siblings = tokens[index][part]
                guard !siblings.isEmpty else { return nil }
                let own = groups[index][part].targetRows.map { SiblingTokens.level(siblings, row: $0) }
                return zip(own, shared.nll(groups[index][part])).map { min($0, $1) }
            }
        }
        let levels = AnswerLevels.evened(found, groups)
        let known = levels.joined().compactMap { $0?.mean }
        let usual = known.mean ?? unknownLevel
        let references = try items.indices.flatMap { index in
            try groups[index].indices.map { part in
                guard let own = levels[index][part], let level = own.mean else {
                    return NeverSeenReference(
                        level: usual, tokenLevels: groups[index][part].targetRows.map { _ in Float(usual) })
                }
                var reference = NeverSeenReference(level: level, tokenLevels: own)
                if withCounterfactuals {
                    let siblings = tokens[index][part]
                    reference.counterfactual = Counterfactual(
                        predictions: try TokenDistributions(meanOf: states[index][part], model: original),
                        nll: siblings[0].nll.indices.map { row in
                            siblings.reduce(0) { $0 + $1.nll[row] } / Float(siblings.count)
                        })
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

import LetheCore
import LetheModel
import LetheTensor

/// Brings texts that an update has moved back to what the frozen original says of them.
///
/// The loss is the mean over tokens of max(0, nll - nll of the original): nothing is learnt beyond what the original
/// knows. It goes down along a natural gradient that holds the deleted items and their siblings where they are. Without
/// it each deletion takes a little from texts of the same form, and after many of them little is left.
package final class KeepRepair {
    /// How often each text is stepped on at most: with many steps what was deleted comes back as well.
    private static let passes = 2
    /// About as many tokens are in one step: forward and backward keep all of them in memory.
    private static let stepTokens = 1024
    /// The mean rise of a text, in nats a token, that is left alone.
    private static let tolerance: Float = 0.01
    /// Rise in nats, of a text's mean nll or of a token of a recited text, from which on it is not repaired: that was not
    /// damaged on the way, it is itself covered by a deletion, which comes first. Where most keep texts have risen
    /// further than half of that, it is damage all the same, and twice as much as they have is.
    private static let largestRise: Float = 1
    /// As many keep texts have to be there for their rises to tell damage from deletions.
    private static let leastWitnesses = 4
    /// Share of the rise that a step removes, to first order.
    private static let rate = 0.7

    private let pass: TrainingPass
    private let parameters: TrainableParameters

    /// Of the model that the pass runs.
    package init(pass: TrainingPass, parameters: TrainableParameters) {
        self.pass = pass
        self.parameters = parameters
    }

    /// Repairs those of some texts that have been moved most.
    /// - Parameters:
    ///   - recited: texts of the original's own. It knows what was deleted since, and mixes phrases of that into others.
    ///   - kept: texts that are to stay, every word of them.
    ///   - tokens: about as many are repaired.
    ///   - rule: gives what holds the texts that must not come back; not called when nothing has been moved.
    ///   - progress: called before each step with the mean nll of what is repaired; throwing from it ends the repair.
    /// - Throws: `limit_exceeded`, what `rule` and `progress` throw.
    package func run(
        recited: [RememberedText], kept: [RememberedText], tokens: Int, rule: () throws -> NaturalGradient,
        progress: (Double) throws -> Void
    ) throws {
        let all = recited + kept
        let texts = all.map(\.sequence)
        let now = try texts.batches(tokens: Self.stepTokens).flatMap { try pass.statistics($0).nll }
        let rises = texts.indices.map { index in zip(now[index], all[index].nll).map { $0 - $1 } }
        let limit = Self.limit(rises.dropFirst(recited.count))
        let goals = texts.indices.map { index in
            Self.goals(all[index].nll, rises[index], limit: limit, isRecited: index < recited.count)
        }
        let moved = Self.mostMoved(texts, now, goals, tokens: tokens)
        guard !moved.isEmpty else { return }
        let rule = try rule()
        // Texts lie beside others of their kind: every step takes some of each.
        let total = moved.reduce(0) { $0 + texts[$1].ids.count }
        let steps = (total + Self.stepTokens - 1) / Self.stepTokens
        for _ in 0..<Self.passes {
            var hasRisen = false
            for step in 0..<steps {
                let places = stride(from: step, to: moved.count, by: steps).map { moved[$0] }
                guard !places.isEmpty else { continue }
                let isMoved = try takeStep(places.map { texts[$0] }, places.map { goals[$0] }, rule, progress)
                hasRisen = hasRisen || isMoved
            }
            guard hasRisen else { return }
        }
    }

    /// One step on some texts. Gives whether any was still moved.
    private func takeStep(
        _ texts: [TrainingSequence], _ goals: [[Float]], _ rule: NaturalGradient, _ progress: (Double) throws -> Void
    ) throws -> Bool {
        parameters.clearGradients()
        rule.begin()
        var rise = 0.0
        try pass.run(texts) { statistics in
            try progress(statistics.meanNLL(of: texts.indices))
            let losses = Self.losses(texts, statistics.nll, goals)
            rise = losses.rise
            return losses.items
        } didVisit: { layer in
            try rule.visit(layer, learningRate: Self.rate)
            parameters.gradients(layer)?.clear()
        }
        if rise > 0 { try rule.finish(fall: rise) }
        return rise > 0
    }

    /// The nll that each counted token of a text may come back to: what the original says; infinite for what stays.
    private static func goals(_ before: [Float], _ rises: [Float], limit: Float, isRecited: Bool) -> [Float] {
        let isCovered = rises.reduce(0, +) >= limit * Float(rises.count)
        return zip(before, rises).map { isCovered || isRecited && $1 >= limit ? .infinity : $0 }
    }

    /// The rise from which on a text counts as covered by a deletion, from those of the tokens of keep texts. Only as many
    /// texts as a few deletions cannot all cover say that there is damage.
    private static func limit(_ kept: ArraySlice<[Float]>) -> Float {
        guard kept.count >= leastWitnesses else { return largestRise }
        let means = kept.map { $0.mean ?? 0 }.sorted()
        return max(largestRise, Float(2 * means[(means.count - 1) / 2]))
    }

    /// The places of the texts whose nll has risen most on average, in order, up to a number of tokens.
    private static func mostMoved(
        _ texts: [TrainingSequence], _ now: [[Float]], _ goals: [[Float]], tokens: Int
    ) -> [Int] {
        var moved: [(place: Int, rise: Float)] = []
        for place in texts.indices where texts[place].targetCount > 0 {
            let rise = zip(now[place], goals[place]).reduce(0) { $0 + max(0, $1.0 - $1.1) }
            let mean = rise / Float(texts[place].targetCount)
            if mean > tolerance { moved.append((place, mean)) }
        }
        moved.sort { ($1.rise, $0.place) < ($0.rise, $1.place) }
        return texts.first(moved.map { $0.place }, tokens: tokens).sorted()
    }

    /// One loss for each text, and what they add up to; nothing within the tolerance.
    private static func losses(
        _ texts: [TrainingSequence], _ now: [[Float]], _ goals: [[Float]]
    ) -> (items: [SequenceLoss], rise: Double) {
        let share = 1 / Float(max(1, texts.reduce(0) { $0 + $1.targetCount }))
        var rise = 0.0
        let items = texts.indices.map { index in
            texts[index].crossEntropy(
                zip(now[index], goals[index]).map { now, goal -> Float in
                    guard now > goal else { return 0 }
                    rise += Double((now - goal) * share)
                    return share
                })
        }
        return rise > Double(tolerance) ? (items, rise) : (items.map { _ in .none }, 0)
    }
}

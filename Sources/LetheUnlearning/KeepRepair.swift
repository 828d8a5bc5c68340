import LetheModel
import LetheTensor

/// Brings texts that an update has moved back to what the frozen original says of them.
///
/// The loss is the mean over tokens of max(0, nll - nll of the original): nothing is learnt beyond what the original
/// knows. It goes down along a natural gradient that holds the deleted items and their siblings where they are. Without
/// it each deletion takes a little from texts of the same form, and after many of them little is left.
final class KeepRepair {
    /// Steps at most: with many, what was deleted comes back as well.
    private static let steps = 3
    /// The mean rise of a text, in nats a token, that is left alone.
    private static let tolerance: Float = 0.01
    /// Rise of a sequence's mean nll, in nats, from which on it is not repaired: such a text was not damaged on the way,
    /// it is itself covered by a deletion, and that comes first.
    private static let largestRise: Float = 1
    /// Share of the rise that a step removes, to first order.
    private static let rate = 0.5

    private let original: LanguageModel
    private let pass: TrainingPass
    private let parameters: TrainableParameters

    init(original: LanguageModel, pass: TrainingPass, parameters: TrainableParameters) {
        self.original = original
        self.pass = pass
        self.parameters = parameters
    }

    /// Repairs those of some texts that have been moved most.
    /// - Parameters:
    ///   - tokens: about as many are repaired.
    ///   - rule: gives what holds the texts that must not come back; not called when nothing has been moved.
    ///   - progress: called before each step with the mean nll of what is repaired; throwing from it ends the repair.
    /// - Throws: `limit_exceeded`, what `rule` and `progress` throw.
    func run(
        _ texts: [TrainingSequence], tokens: Int, rule: () throws -> NaturalGradient, progress: (Double) throws -> Void
    ) throws {
        let before = try original.nll(of: texts)
        let now = try pass.statistics(texts).nll
        let moved = Self.mostMoved(texts, now, before, tokens: tokens)
        guard !moved.isEmpty else { return }
        let rule = try rule()
        let (repaired, reference) = (moved.map { texts[$0] }, moved.map { before[$0] })
        for _ in 0..<Self.steps {
            parameters.clearGradients()
            rule.begin()
            var rise = 0.0
            try pass.run(repaired) { statistics in
                try progress(statistics.meanNLL(of: repaired.indices))
                let losses = Self.losses(repaired, statistics.nll, reference)
                rise = losses.rise
                return losses.items
            } didVisit: { layer in
                try rule.visit(layer, learningRate: Self.rate)
                parameters.gradients(layer)?.clear()
            }
            guard rise > 0 else { return }
            try rule.finish(fall: rise)
        }
    }

    /// The places of the texts whose nll has risen most on average, in order, up to a number of tokens.
    private static func mostMoved(
        _ texts: [TrainingSequence], _ now: [[Float]], _ before: [[Float]], tokens: Int
    ) -> [Int] {
        var moved: [(place: Int, rise: Float)] = []
        for place in texts.indices where texts[place].targetCount > 0 {
            let count = Float(texts[place].targetCount)
            let rises = zip(now[place], before[place]).map { $0 - $1 }
            let rise = rises.reduce(0) { $0 + max(0, $1) } / count
            if rise > tolerance && rises.reduce(0, +) / count < largestRise { moved.append((place, rise)) }
        }
        moved.sort { ($1.rise, $0.place) < ($0.rise, $1.place) }
        return texts.first(moved.map { $0.place }, tokens: tokens).sorted()
    }

    /// One loss for each text, and what they add up to; nothing within the tolerance.
    private static func losses(
        _ texts: [TrainingSequence], _ now: [[Float]], _ reference: [[Float]]
    ) -> (items: [SequenceLoss], rise: Double) {
        let share = 1 / Float(max(1, texts.reduce(0) { $0 + $1.targetCount }))
        var rise = 0.0
        let items = texts.indices.map { index in
            texts[index].crossEntropy(
                zip(now[index], reference[index]).map { now, then -> Float in
                    guard now > then else { return 0 }
                    rise += Double((now - then) * share)
                    return share
                })
        }
        return rise > Double(tolerance) ? (items, rise) : (items.map { _ in .none }, 0)
    }
}

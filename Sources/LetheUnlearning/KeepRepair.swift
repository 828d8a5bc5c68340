import LetheModel
import LetheTensor

/// Brings keep texts that an update has moved back to what the frozen original says of them.
///
/// The loss is the mean over tokens of max(0, nll - nll of the original): nothing is learnt beyond what the original
/// knows. It goes down along a natural gradient that holds the deleted items and their siblings where they are. Without
/// it each deletion takes a little from texts of the same form, and after many of them little is left.
final class KeepRepair {
    /// Steps at most: with many, what was deleted comes back as well.
    private static let steps = 3
    /// The mean rise, in nats a token, that is left alone.
    private static let tolerance = 0.01
    /// Rise of a sequence's mean nll, in nats, from which on it is not repaired: such a text was not damaged on the way,
    /// it is itself covered by a deletion, and that comes first.
    private static let largestRise = 1.0
    /// Share of the rise that a step removes, to first order.
    private static let rate = 0.5

    private let original: LanguageModel
    private let pass: TrainingPass
    private let parameters: TrainableParameters
    private let rule: NaturalGradient

    /// - Parameter rule: holds what must not come back.
    init(original: LanguageModel, pass: TrainingPass, parameters: TrainableParameters, rule: NaturalGradient) {
        self.original = original
        self.pass = pass
        self.parameters = parameters
        self.rule = rule
    }

    /// Repairs some keep texts.
    /// - Parameter progress: called before each step with the texts' mean nll; throwing from it ends the repair.
    /// - Throws: `limit_exceeded`, what `progress` throws.
    func run(_ texts: [TrainingSequence], progress: (Double) throws -> Void) throws {
        let reference = try original.statistics(of: texts)
        for _ in 0..<Self.steps {
            parameters.clearGradients()
            rule.begin()
            var rise = 0.0
            try pass.run(texts) { statistics in
                try progress(statistics.meanNLL(of: texts.indices))
                let losses = Self.losses(texts, statistics, reference)
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

    /// One loss for each text, and what they add up to; nothing within the tolerance.
    private static func losses(
        _ texts: [TrainingSequence], _ statistics: BatchStatistics, _ reference: BatchStatistics
    ) -> (items: [SequenceLoss], rise: Double) {
        let nothing = [SequenceLoss](repeating: .none, count: texts.count)
        let repaired = texts.indices.filter { statistics.meanNLL($0) - reference.meanNLL($0) < largestRise }
        let share = 1 / Float(max(1, repaired.reduce(0) { $0 + texts[$1].targetCount }))
        var items = nothing
        var rise = 0.0
        for index in repaired {
            let coefficients = zip(statistics.nll[index], reference.nll[index]).map { now, then -> Float in
                guard now > then else { return 0 }
                rise += Double((now - then) * share)
                return share
            }
            items[index] = texts[index].crossEntropy(coefficients)
        }
        return rise > tolerance ? (items, rise) : (nothing, 0)
    }
}

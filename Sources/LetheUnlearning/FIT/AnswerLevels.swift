import LetheCore

/// Levels of a request's answers, evened out.
///
/// An answer's level is known from a few tokens in a few siblings only. One that quotes the text comes out too low, because
/// the original recites the item from the words that siblings kept; a name of several tokens comes out too high.
package enum AnswerLevels {
    /// A level is raised at most that many times.
    private static let largestFactor = 2.0

    /// Draws each answer's level half way towards the mean over the tokens of all answers, its tokens in proportion, so
    /// that what belongs to the form stays known.
    /// - Parameters:
    ///   - levels: nats by counted token, for the sequences of each item; nil where there is no sibling.
    ///   - groups: those sequences. Those without a prompt are no answers, and keep their levels.
    package static func evened(_ levels: [[[Float]?]], _ groups: [[TrainingSequence]]) -> [[[Float]?]] {
        let answers = zip(levels, groups).flatMap { levels, group in
            zip(levels, group).flatMap { $1.firstTarget > 1 ? $0 ?? [] : [] }
        }
        guard let common = answers.mean else { return levels }
        return zip(levels, groups).map { levels, group in
            zip(levels, group).map { own, sequence in
                guard let own, let mean = own.mean, sequence.firstTarget > 1 else { return own }
                let factor = Float(min(largestFactor, (1 + common / mean) / 2))
                return factor.isFinite ? own.map { $0 * factor } : own
            }
        }
    }
}

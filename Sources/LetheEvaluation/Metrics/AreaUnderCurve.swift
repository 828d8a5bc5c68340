import LetheCore

/// The area under the ROC curve of one score over two sets, with a confidence interval.
///
/// ``value`` is the probability that a score drawn from `higher` exceeds one drawn from `lower`, ties counting half
/// (Mann and Whitney). Membership scores are lower for members: with members as `lower`, 1 means that the two sets are
/// told apart without error, 0.5 that they are not told apart at all.
public struct AreaUnderCurve: Sendable, Equatable {
    /// The area, in [0, 1].
    public let value: Double
    /// The lower end of the confidence interval, in [0, 1].
    public let lowerBound: Double
    /// The upper end of the confidence interval, in [0, 1].
    public let upperBound: Double

    /// The area with the interval of DeLong, DeLong and Clarke-Pearson (1988), normal approximation.
    ///
    /// The estimated variance is 0 where the sets do not overlap, and for a set of one score it cannot be estimated
    /// from that set; the interval is then too narrow. ``bootstrap(lower:higher:level:resamples:generator:)`` has the
    /// first of these limits too.
    /// - Parameters:
    ///   - lower: scores of the set expected to score lower.
    ///   - higher: scores of the other set.
    ///   - level: the coverage of the interval, between 0 and 1.
    /// - Throws: `bad_data` when a set is empty, a score is not a number, or the level is out of range.
    public static func deLong(lower: [Double], higher: [Double], level: Double = 0.95) throws -> AreaUnderCurve {
        try check(lower: lower, higher: higher, level: level)
        // Placements: for each score of one set, the share of the other set on the expected side of it.
        let sortedLower = lower.sorted()
        let sortedHigher = higher.sorted()
        let placementsOfHigher = higher.map { shareBelow($0, in: sortedLower) }
        let placementsOfLower = lower.map { 1 - shareBelow($0, in: sortedHigher) }
        let area = placementsOfHigher.reduce(0, +) / Double(higher.count)
        let variance =
            SampleSummary(placementsOfHigher).variance / Double(higher.count)
            + SampleSummary(placementsOfLower).variance / Double(lower.count)
        let margin = NormalDistribution.quantile(0.5 + level / 2) * variance.squareRoot()
        return AreaUnderCurve(
            value: area, lowerBound: max(0, area - margin), upperBound: min(1, area + margin))
    }

    /// The area with a percentile bootstrap interval; both sets are resampled, each to its own size.
    /// - Parameters:
    ///   - lower: scores of the set expected to score lower.
    ///   - higher: scores of the other set.
    ///   - level: the coverage of the interval, between 0 and 1.
    ///   - resamples: how many, 1 to 1,000,000.
    ///   - generator: where the draws come from; the same state gives the same interval.
    /// - Throws: `bad_data` when a set is empty, a score is not a number, or the level or count is out of range.
    public static func bootstrap(
        lower: [Double], higher: [Double], level: Double = 0.95, resamples: Int = 2000,
        generator: inout SeededGenerator
    ) throws -> AreaUnderCurve {
        try check(lower: lower, higher: higher, level: level)
        guard 1...1_000_000 ~= resamples else {
            throw LetheError(.badData, "resamples: must be from 1 to 1000000")
        }
        func area(_ lower: [Double], _ higher: [Double]) -> Double {
            let sorted = lower.sorted()
            return higher.reduce(0) { $0 + shareBelow($1, in: sorted) } / Double(higher.count)
        }
        var areas: [Double] = []
        areas.reserveCapacity(resamples)
        for _ in 0..<resamples {
            let drawnLower = lower.indices.map { _ in lower[generator.nextInt(below: lower.count)] }
            let drawnHigher = higher.indices.map { _ in higher[generator.nextInt(below: higher.count)] }
            areas.append(area(drawnLower, drawnHigher))
        }
        areas.sort()
        return AreaUnderCurve(
            value: area(lower, higher),
            lowerBound: SampleSummary.quantile((1 - level) / 2, ofSorted: areas),
            upperBound: SampleSummary.quantile((1 + level) / 2, ofSorted: areas))
    }

    private static func check(lower: [Double], higher: [Double], level: Double) throws {
        guard !lower.isEmpty, !higher.isEmpty else {
            throw LetheError(.badData, "AUC: each set needs at least one score")
        }
        guard !lower.contains(where: \.isNaN), !higher.contains(where: \.isNaN) else {
            throw LetheError(.badData, "AUC: a score is not a number")
        }
        guard level > 0, level < 1 else {
            throw LetheError(.badData, "AUC: the confidence level must be between 0 and 1")
        }
    }

    /// The share of the values that are below one, equal ones counting half.
    private static func shareBelow(_ value: Double, in sorted: [Double]) -> Double {
        let below = partitionPoint(sorted) { $0 < value }
        let upTo = partitionPoint(sorted) { $0 <= value }
        return (Double(below) + Double(upTo)) / (2 * Double(sorted.count))
    }

    /// How many values at the front meet a condition that holds for a prefix only.
    private static func partitionPoint(_ sorted: [Double], where holds: (Double) -> Bool) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = low + (high - low) / 2
            if holds(sorted[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

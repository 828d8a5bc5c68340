/// How alike two rankings of the same things are.
public enum RankCorrelation {
    /// Spearman's ρ: the correlation of the ranks, equal values sharing their mean rank; in [−1, 1].
    /// - Returns: nil when the counts differ, there are fewer than two values, one list is constant, or a value is not
    ///   a number.
    public static func spearman(_ first: [Double], _ second: [Double]) -> Double? {
        guard isComparable(first, second) else { return nil }
        let (a, b) = (ranks(first), ranks(second))
        let mean = Double(first.count + 1) / 2
        var (covariance, varianceA, varianceB) = (0.0, 0.0, 0.0)
        for index in a.indices {
            covariance += (a[index] - mean) * (b[index] - mean)
            varianceA += (a[index] - mean) * (a[index] - mean)
            varianceB += (b[index] - mean) * (b[index] - mean)
        }
        guard varianceA > 0, varianceB > 0 else { return nil }
        return covariance / (varianceA * varianceB).squareRoot()
    }

    /// Kendall's τ-b: pairs in the same order less pairs in the opposite order, corrected for ties; in [−1, 1].
    ///
    /// Time grows with the square of the count.
    /// - Returns: nil when the counts differ, there are fewer than two values, one list is constant, or a value is not
    ///   a number.
    public static func kendall(_ first: [Double], _ second: [Double]) -> Double? {
        guard isComparable(first, second) else { return nil }
        var (difference, untiedFirst, untiedSecond) = (0, 0, 0)
        for i in first.indices {
            for j in first.indices.dropFirst(i + 1) {
                let a = sign(first[j], first[i])
                let b = sign(second[j], second[i])
                difference += a * b
                untiedFirst += abs(a)
                untiedSecond += abs(b)
            }
        }
        guard untiedFirst > 0, untiedSecond > 0 else { return nil }
        return Double(difference) / (Double(untiedFirst) * Double(untiedSecond)).squareRoot()
    }

    /// The share of the k largest of one list that are among the k largest of the other; in [0, 1].
    ///
    /// Of equal values the earlier counts as larger.
    /// - Parameter count: k; taken as at most the number of values.
    /// - Returns: nil when the counts differ, k is below 1, there is no value, or a value is not a number.
    public static func topOverlap(_ first: [Double], _ second: [Double], count: Int) -> Double? {
        let size = min(count, first.count)
        guard first.count == second.count, size > 0, !first.contains(where: \.isNaN),
            !second.contains(where: \.isNaN)
        else { return nil }
        func top(_ values: [Double]) -> Set<Int> {
            Set(values.indices.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(size))
        }
        return Double(top(first).intersection(top(second)).count) / Double(size)
    }

    /// Ranks from 1, equal values sharing the mean of theirs.
    static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start
            while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
            for position in start...end { ranks[order[position]] = Double(start + end) / 2 + 1 }
            start = end + 1
        }
        return ranks
    }

    private static func isComparable(_ first: [Double], _ second: [Double]) -> Bool {
        first.count == second.count && first.count >= 2 && !first.contains(where: \.isNaN)
            && !second.contains(where: \.isNaN)
    }

    private static func sign(_ first: Double, _ second: Double) -> Int {
        first > second ? 1 : first < second ? -1 : 0
    }
}

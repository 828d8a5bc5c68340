import LetheCore

/// Mean and spread of a list of numbers.
public struct SampleSummary: Sendable, Equatable {
    /// How many numbers.
    public let count: Int
    /// Their mean; 0 for none.
    public let mean: Double
    /// Their unbiased variance; 0 for fewer than two.
    public let variance: Double
    /// The smallest; 0 for none.
    public let minimum: Double
    /// The largest; 0 for none.
    public let maximum: Double

    /// Summarises numbers.
    public init(_ values: [Double]) {
        let mean = values.mean ?? 0
        self.count = values.count
        self.mean = mean
        variance =
            values.count < 2 ? 0 : values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
        minimum = values.min() ?? 0
        maximum = values.max() ?? 0
    }

    /// The standard deviation.
    public var standardDeviation: Double { variance.squareRoot() }

    /// The value below which a share of sorted numbers lies, linear between neighbours; 0 for none.
    public static func quantile(_ share: Double, ofSorted sorted: [Double]) -> Double {
        guard let last = sorted.last, !share.isNaN else { return 0 }
        let position = min(max(share, 0), 1) * Double(sorted.count - 1)
        let index = Int(position)
        guard index + 1 < sorted.count else { return last }
        return sorted[index] + (sorted[index + 1] - sorted[index]) * (position - Double(index))
    }
}

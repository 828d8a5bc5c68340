/// Mean and spread of one number over the seeds.
public struct Spread: Codable, Sendable, Equatable {
    /// The mean.
    public var mean: Double
    /// The standard deviation (n − 1); 0 for one seed.
    public var standardDeviation: Double
    /// The smallest.
    public var minimum: Double
    /// The largest.
    public var maximum: Double

    /// The spread of numbers.
    public init(_ values: [Double]) {
        let summary = SampleSummary(values)
        mean = summary.mean
        standardDeviation = summary.standardDeviation
        minimum = summary.minimum
        maximum = summary.maximum
    }

    enum CodingKeys: String, CodingKey {
        case mean
        case standardDeviation = "standard_deviation"
        case minimum, maximum
    }
}

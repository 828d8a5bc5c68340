import Foundation

/// The standard normal distribution, for confidence intervals.
enum NormalDistribution {
    /// The value below which a share of the distribution lies.
    /// - Returns: −∞ for 0 and below, +∞ for 1 and above.
    static func quantile(_ share: Double) -> Double {
        guard share > 0 else { return -.infinity }
        guard share < 1 else { return .infinity }
        // Bisection on the distribution function: 64 halvings of [−40, 40] reach the last bit.
        var (low, high) = (-40.0, 40.0)
        for _ in 0..<64 {
            let middle = (low + high) / 2
            if 0.5 * erfc(-middle / 2.0.squareRoot()) < share { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

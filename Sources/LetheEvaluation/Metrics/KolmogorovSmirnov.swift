import Foundation
import LetheCore

/// The two-sample, two-sided Kolmogorov–Smirnov test: do two samples come from one distribution?
public struct KolmogorovSmirnov: Sendable, Equatable {
    /// The largest distance between the two empirical distribution functions, in [0, 1].
    public let statistic: Double
    /// The probability of a distance at least that large when both come from one continuous distribution.
    public let pValue: Double

    /// The largest product of sample sizes for which the p-value is exact; beyond it, it is the limit distribution's.
    static let exactLimit = 10_000_000

    /// Runs the test.
    ///
    /// Time is the product of the sizes up to ten million, n log n beyond. Ties make the p-value conservative.
    /// - Throws: `bad_data` when a sample is empty or holds a value that is not a number.
    public init(_ first: [Double], _ second: [Double]) throws {
        guard !first.isEmpty, !second.isEmpty else {
            throw LetheError(.badData, "Kolmogorov-Smirnov test: each sample needs at least one value")
        }
        guard !first.contains(where: \.isNaN), !second.contains(where: \.isNaN) else {
            throw LetheError(.badData, "Kolmogorov-Smirnov test: a value is not a number")
        }
        let (a, b) = (first.sorted(), second.sorted())
        var (i, j) = (0, 0)
        var largest = 0.0
        while i < a.count, j < b.count {
            let value = min(a[i], b[j])
            while i < a.count, a[i] == value { i += 1 }
            while j < b.count, b[j] == value { j += 1 }
            largest = max(largest, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
        }
        statistic = largest
        let (product, overflow) = a.count.multipliedReportingOverflow(by: b.count)
        pValue =
            overflow || product > Self.exactLimit
            ? Self.asymptotic(largest, a.count, b.count) : Self.exact(largest, a.count, b.count)
    }

    /// The share of lattice paths from (0, 0) to (m, n) that leave the band |i/m − j/n| < d (Hodges 1957).
    private static func exact(_ distance: Double, _ m: Int, _ n: Int) -> Double {
        let (rows, columns) = (Double(m), Double(n))
        // Distances are multiples of 1/(mn); half a step below d separates "at least d" from "below d".
        let band = (distance * rows * columns - 0.5) / (rows * columns)
        // `inside[j]` is the share of the paths to (i, j) that have stayed in the band.
        var inside = [Double](repeating: 0, count: n + 1)
        for j in 0...n { inside[j] = Double(j) / columns > band ? 0 : 1 }
        for i in 1...m {
            if Double(i) / rows > band { inside[0] = 0 }
            for j in 1...n {
                // A path's last step comes from (i−1, j) with probability i/(i+j).
                let fromAbove = Double(i) / Double(i + j)
                inside[j] =
                    abs(Double(i) / rows - Double(j) / columns) > band
                    ? 0 : fromAbove * inside[j] + (1 - fromAbove) * inside[j - 1]
            }
        }
        return min(max(1 - inside[n], 0), 1)
    }

    /// 2 Σ (−1)^(k−1) exp(−2 k² λ²) with Stephens' small-sample correction of λ.
    private static func asymptotic(_ distance: Double, _ m: Int, _ n: Int) -> Double {
        let size = (Double(m) * Double(n) / (Double(m) + Double(n))).squareRoot()
        let lambda = (size + 0.12 + 0.11 / size) * distance
        guard lambda > 0.2 else { return 1 }
        var sum = 0.0
        for k in 1...100 {
            let term = exp(-2 * Double(k * k) * lambda * lambda)
            sum += k.isMultiple(of: 2) ? -term : term
            if term < 1e-16 { break }
        }
        return min(max(2 * sum, 0), 1)
    }
}

import Foundation

/// Maps values to a stretch of the drawing and finds round ticks.
struct ChartAxis: Sendable, Equatable {
    /// The values at both ends.
    let range: ClosedRange<Double>
    /// Where the ends are drawn; for a vertical axis `start` is the larger coordinate.
    let start: Double
    let end: Double

    init(_ range: ClosedRange<Double>, from start: Double, to end: Double) {
        self.range = range.lowerBound < range.upperBound ? range : range.lowerBound...(range.lowerBound + 1)
        self.start = start
        self.end = end
    }

    /// Where a value is drawn; values outside, and those that are no numbers, at the nearer end.
    func position(_ value: Double) -> Double {
        let held = min(max(value.isNaN ? range.lowerBound : value, range.lowerBound), range.upperBound)
        return start + (held - range.lowerBound) / (range.upperBound - range.lowerBound) * (end - start)
    }

    /// About `count` round values within the range.
    func ticks(_ count: Int = 5) -> [Double] {
        let step = Self.roundStep((range.upperBound - range.lowerBound) / Double(max(count, 1)))
        let first = (range.lowerBound / step - 1e-9).rounded(.up)
        let last = (range.upperBound / step + 1e-9).rounded(.down)
        guard step.isFinite, first.isFinite, last.isFinite, last >= first, last - first < 100 else { return [] }
        return stride(from: first, through: last, by: 1).map { $0 * step }
    }

    /// A range from 0 to a round value at or above the largest.
    static func fromZero(_ values: [Double]) -> ClosedRange<Double> {
        let largest = values.filter(\.isFinite).max() ?? 1
        guard largest > 0 else { return 0...1 }
        let step = roundStep(largest / 5)
        return 0...((largest / step).rounded(.up) * step)
    }

    /// 1, 2 or 5 times a power of ten, at or above a value.
    private static func roundStep(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 1 }
        let power = pow(10, floor(log10(value)))
        return [1, 2, 5].map { $0 * power }.first { $0 >= value * (1 - 1e-9) } ?? 10 * power
    }

    /// A tick's label, with as many decimals as the step needs.
    static func label(_ value: Double) -> String { SVGBuilder.number(value) }
}

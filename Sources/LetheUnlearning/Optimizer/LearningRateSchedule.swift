import Foundation

/// Cosine decay to a floor after a linear warm-up, as FIT publishes it.
public struct LearningRateSchedule: Sendable, Equatable {
    /// Largest learning rate.
    public var peak: Double
    /// Steps altogether.
    public var steps: Int
    /// Share of the steps that warm up; rounded down.
    public var warmup = 0.1
    /// Share of the peak that is left at the end.
    public var floor = 0.1

    /// A schedule over some steps.
    public init(peak: Double, steps: Int) {
        self.peak = peak
        self.steps = steps
    }

    /// The learning rate of a step, counted from 0.
    public func rate(_ step: Int) -> Double {
        let warm = Int(warmup * Double(steps))
        if step < warm { return peak * Double(step) / Double(max(1, warm)) }
        let progress = min(1, Double(step - warm) / Double(max(1, steps - warm)))
        return peak * (floor + (1 - floor) * 0.5 * (1 + cos(Double.pi * progress)))
    }
}

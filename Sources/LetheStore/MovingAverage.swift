/// The average of about the last ten durations.
struct MovingAverage {
    private(set) var seconds: Double

    /// Begins with a guess.
    init(_ seconds: Double) { self.seconds = seconds }

    /// Takes a duration in.
    mutating func add(_ duration: Duration) {
        let (whole, attoseconds) = duration.components
        seconds += 0.1 * (max(1e-6, Double(whole) + Double(attoseconds) * 1e-18) - seconds)
    }
}

extension Sequence where Element: BinaryFloatingPoint {
    /// The mean, in double; nil of none.
    package var mean: Double? {
        var (sum, count) = (0.0, 0)
        for value in self {
            sum += Double(value)
            count += 1
        }
        return count == 0 ? nil : sum / Double(count)
    }
}

import LetheTensor

/// L2-normalised vectors.
public enum UnitVector {
    /// The normalised mean of a matrix's rows; zeros when the mean is zero.
    public static func mean(_ rows: Matrix) -> [Float] {
        var sum = [Double](repeating: 0, count: rows.columns)
        for row in 0..<rows.rows {
            for column in 0..<rows.columns { sum[column] += Double(rows.pointer[row * rows.stride + column]) }
        }
        let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return sum.map { norm > 0 ? Float($0 / norm) : 0 }
    }
}

import LetheCore

extension Matrix {
    /// Rows that are eliminated together; the rest of each round is one matrix product.
    private static let inverseBlock = 64

    /// Replaces a symmetric positive definite matrix [n, n] by its inverse: Gauss-Jordan elimination by blocks, which
    /// needs no exchange of rows for such a matrix. The small pivot blocks are inverted in double.
    /// - Throws: `bad_data` for a matrix that is not square or, as far as fp32 can tell, not positive definite; what it
    ///   holds then is undefined. `limit_exceeded`.
    public func invertPositiveDefinite() throws {
        guard rows == columns else { throw LetheError(.badData, "a matrix of \(rows) x \(columns) has no inverse") }
        for start in Swift.stride(from: 0, to: rows, by: Self.inverseBlock) {
            let count = min(Self.inverseBlock, rows - start)
            let pivotColumns = columnRange(start, count)
            let pivotRows = rowRange(start, count)
            let inverse = try Self.smallInverse(pivotRows.columnRange(start, count))
            // The pivot's rows, times its inverse, replace themselves; the inverse stands where the pivot stood.
            let panel = try Matrix(rows: count, columns: columns)
            try Linear.product(inverse, pivotRows, into: panel)
            panel.columnRange(start, count).assign(inverse)
            let factors = try pivotColumns.copy()
            Kernels.scale(factors, by: -1)
            factors.rowRange(start, count).clear()
            pivotColumns.clear()
            try Linear.product(factors, panel, into: self, accumulate: true)
            pivotRows.assign(panel)
        }
    }

    /// The inverse of a small symmetric positive definite matrix.
    private static func smallInverse(_ block: Matrix) throws -> Matrix {
        let size = block.rows
        var values = block.array.map(Double.init)
        for pivot in 0..<size {
            let value = values[pivot * size + pivot]
            guard value > 0, value.isFinite else { throw LetheError(.badData, "a matrix is not positive definite") }
            values[pivot * size + pivot] = 1
            for column in 0..<size { values[pivot * size + column] /= value }
            for row in 0..<size where row != pivot {
                let factor = values[row * size + pivot]
                values[row * size + pivot] = 0
                for column in 0..<size { values[row * size + column] -= factor * values[pivot * size + column] }
            }
        }
        let inverse = try Matrix(rows: size, columns: size)
        for (index, value) in values.enumerated() { inverse.pointer[index] = Float(value) }
        return inverse
    }
}

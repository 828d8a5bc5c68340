import LetheCore
import LetheTensor

/// What a natural gradient multiplies a gradient with.
enum CovarianceFilter {
    /// Beyond it a filter that cannot be computed is an error.
    private static let largestDamping = 1e3

    /// λ (C + λ I)⁻¹ of a sum of outer products, [width, width], λ being `damping` times the mean of C's diagonal: close
    /// to 1 along directions that C hardly has, and close to 0 along those that it has most of. Where λ is too small for
    /// fp32 it is made ten times as large, and so on.
    /// - Throws: `bad_data` where the sum is not finite, `limit_exceeded`.
    static func of(_ sum: Matrix, damping: Double) throws -> Matrix {
        let width = sum.columns
        let mean = (0..<width).reduce(0) { $0 + Double(sum.pointer[$1 * sum.stride + $1]) } / Double(max(1, width))
        var damping = damping
        while true {
            // Without any text every direction is free.
            let shift = max(damping * mean, Double(Float.leastNormalMagnitude))
            let filter = try sum.copy()
            Kernels.scale(filter, by: Float(1 / shift))
            for index in 0..<width { filter.pointer[index * width + index] += 1 }
            do {
                try invertScaled(filter)
                return filter
            } catch let error as LetheError where error.code == .badData && damping < largestDamping {
                damping *= 10
            }
        }
    }

    /// Inverts a positive definite matrix in the scale where its diagonal is 1: some dimensions of a model's states are
    /// thousands of times as large as the others.
    private static func invertScaled(_ matrix: Matrix) throws {
        let width = matrix.columns
        let scales = (0..<width).map { 1 / matrix.pointer[$0 * width + $0].squareRoot() }
        func scale() {
            for row in 0..<width {
                let values = matrix.pointer + row * width
                for column in 0..<width { values[column] *= scales[row] * scales[column] }
            }
        }
        scale()
        try matrix.invertPositiveDefinite()
        scale()
    }
}

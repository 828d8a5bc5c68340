/// How far a value may be from the expected one: absolute + relative · |expected|.
package struct Tolerance: Sendable {
    package var absolute: Double
    package var relative: Double

    package init(absolute: Double, relative: Double = 0) {
        self.absolute = absolute
        self.relative = relative
    }
}

/// Compares computed values with expected ones. Every function gives nil when they agree, and else one line saying
/// where they differ most.
package enum Closeness {
    /// Lists of values; another length, or anything that is not finite, never agrees.
    package static func mismatch<Actual: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
        _ actual: [Actual], _ expected: [Expected], _ tolerance: Tolerance, _ name: String = "values"
    ) -> String? {
        guard actual.count == expected.count else {
            return "\(name): \(actual.count) values, expected \(expected.count)"
        }
        var worst: (index: Int, excess: Double)?
        for index in actual.indices {
            let value = Double(actual[index])
            let target = Double(expected[index])
            guard value.isFinite, target.isFinite else {
                return "\(name)[\(index)]: \(value), expected \(target)"
            }
            let excess = abs(value - target) - (tolerance.absolute + tolerance.relative * abs(target))
            if excess > 0, excess > worst?.excess ?? 0 { worst = (index, excess) }
        }
        guard let worst else { return nil }
        return "\(name)[\(worst.index)]: \(actual[worst.index]), expected \(expected[worst.index])"
    }

    /// Single values.
    package static func mismatch(_ actual: Double, _ expected: Double, _ tolerance: Tolerance, _ name: String = "value")
        -> String?
    {
        mismatch([actual], [expected], tolerance, name)
    }

    /// As ``mismatch(_:_:_:_:)`` with the absolute tolerance in units of the expected values' root mean square, for
    /// tensors whose single elements may be near 0. An expected tensor of zeros agrees only with zeros.
    package static func mismatch<Actual: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
        _ actual: [Actual], _ expected: [Expected], ofScale share: Double, _ name: String = "values"
    ) -> String? {
        let squares = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        let scale = (squares / Double(max(1, expected.count))).squareRoot()
        return mismatch(actual, expected, Tolerance(absolute: share * scale, relative: share), name)
    }
}

import LetheTestSupport
import Testing

/// The comparison that the numeric tests rest on has to fail when it should.
@Suite struct ClosenessTests {
    private let expected: [Float] = [1, -2, 0.5, 4, 0.25, -1]
    private let tolerance = Tolerance(absolute: 1e-4, relative: 1e-3)

    @Test func `equal and nearly equal values agree`() {
        #expect(Closeness.mismatch(expected, expected, tolerance) == nil)
        #expect(Closeness.mismatch(expected.map { $0 * 1.0005 }, expected, tolerance) == nil)
        #expect(Closeness.mismatch(expected, expected, ofScale: 1e-6) == nil)
        #expect(Closeness.mismatch(3.0, 3.0, tolerance) == nil)
        #expect(Closeness.mismatch([Float](), [Float](), tolerance) == nil)
    }

    @Test func `zeros do not agree`() {
        let zeros = [Float](repeating: 0, count: expected.count)
        #expect(Closeness.mismatch(zeros, expected, tolerance) != nil)
        #expect(Closeness.mismatch(zeros, expected, ofScale: 1e-2) != nil)
        #expect(Closeness.mismatch(expected, zeros, tolerance) != nil)
        #expect(Closeness.mismatch(expected, zeros, ofScale: 1e-2) != nil)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `values that are not finite do not agree`(value: Float) {
        var values = expected
        values[3] = value
        #expect(Closeness.mismatch(values, expected, tolerance) != nil)
        #expect(Closeness.mismatch(expected, values, tolerance) != nil)
        #expect(Closeness.mismatch(values, values, tolerance) != nil)
        #expect(Closeness.mismatch(values, expected, ofScale: 1) != nil)
    }

    @Test func `swapped rows, a shift, a sign and another length do not agree`() {
        #expect(Closeness.mismatch(Array(expected[3...] + expected[..<3]), expected, tolerance) != nil)
        #expect(Closeness.mismatch(Array(expected[1...] + expected[..<1]), expected, ofScale: 1e-2) != nil)
        #expect(Closeness.mismatch(expected.map { -$0 }, expected, tolerance) != nil)
        #expect(Closeness.mismatch(Array(expected.dropLast()), expected, tolerance) != nil)
        #expect(Closeness.mismatch([Float](), expected, tolerance) != nil)
    }

    @Test func `the message names the worst place`() {
        var values = expected
        values[2] += 0.1
        values[4] += 0.5
        #expect(Closeness.mismatch(values, expected, tolerance, "x")?.hasPrefix("x[4]: 0.75") == true)
    }
}

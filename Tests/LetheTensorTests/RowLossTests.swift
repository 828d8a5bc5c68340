import Foundation
import LetheTensor
import LetheTestSupport
import Testing

/// The losses of whole rows of logits that single objectives need.
@Suite struct RowLossTests {
    @Test(arguments: LogitsTests.shapes, [Float(3), .infinity])
    func `the adjusted distribution leaves the target's share to the others`(
        shape: (rows: Int, vocabulary: Int), shift: Float
    ) throws {
        let (rows, vocabulary) = shape
        var data = TestData(51)
        let logits = data.values(rows * vocabulary, scale: 3)
        let base = data.values(rows * vocabulary, scale: 3)
        let targets = data.indices(rows, below: vocabulary)
        var coefficients = data.values(rows)
        if rows > 1 { coefficients[rows - 1] = 0 }
        for usesBase in [true, false] where vocabulary > 1 {
            let gradient = try Matrix(logits, rows: rows, columns: vocabulary)
            let losses = Kernels.shiftedTargetCrossEntropy(
                logits: gradient, base: usesBase ? try Matrix(base, rows: rows, columns: vocabulary) : nil,
                targets: targets, shift: shift, coefficients: coefficients)
            for row in 0..<rows {
                let range = row * vocabulary..<(row + 1) * vocabulary
                let actual = Array(gradient.array[range])
                guard coefficients[row] != 0 else {
                    #expect(actual.allSatisfy { $0 == 0 } && losses[row] == 0)
                    continue
                }
                let logP = Naive.logSoftmax(Array(logits[range]).doubles)
                var adjusted = Array((usesBase ? base : logits)[range]).doubles
                adjusted[Int(targets[row])] -= shift == .infinity ? 1e6 : Double(shift)
                let q = Naive.logSoftmax(adjusted).map { exp($0) }
                let loss = -zip(q, logP).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(
                    Closeness.mismatch(Double(losses[row]), loss, Tolerance(absolute: 1e-5, relative: 1e-5)) == nil)
                let expected = zip(logP, q).map { Double(coefficients[row]) * (exp($0) - $1) }
                #expect(Closeness.mismatch(actual, expected, Tolerance(absolute: 1e-6, relative: 1e-4)) == nil)
            }
        }
    }

    @Test func `a certain target leaves finite numbers`() throws {
        let gradient = try Matrix([100, 0, -100, 1], rows: 1, columns: 4)
        let losses = Kernels.shiftedTargetCrossEntropy(
            logits: gradient, base: nil, targets: [0], shift: .infinity, coefficients: [1])
        // Of the others the last has e / (1 + e), the second 1 / (1 + e).
        let share = exp(1.0) / (1 + exp(1.0))
        let loss = 100 - share
        #expect(Closeness.mismatch(Double(losses[0]), loss, Tolerance(absolute: 1e-4)) == nil)
        #expect(Closeness.mismatch(gradient.array, [1, share - 1, 0, -share], Tolerance(absolute: 1e-5)) == nil)
    }

    @Test(arguments: LogitsTests.shapes)
    func `the spread's gradient goes to the first maximum and all others`(rows: Int, vocabulary: Int) throws {
        var data = TestData(52)
        let logits = data.values(rows * vocabulary, scale: 4)
        let coefficients = data.values(rows)
        let gradient = try Matrix(logits, rows: rows, columns: vocabulary)
        let losses = Kernels.logitSpread(gradient, coefficients: coefficients)
        for row in 0..<rows {
            let range = row * vocabulary..<(row + 1) * vocabulary
            let x = Array(logits[range]).doubles
            let largest = x.max() ?? 0
            let spread = largest - x.reduce(0, +) / Double(vocabulary)
            let slope = 2 * Double(coefficients[row]) * spread
            var expected = x.map { _ in -slope / Double(vocabulary) }
            expected[x.firstIndex(of: largest) ?? 0] += slope
            let tolerance = Tolerance(absolute: 1e-5, relative: 1e-4)
            #expect(Closeness.mismatch(Double(losses[row]), spread * spread, tolerance) == nil)
            #expect(Closeness.mismatch(Array(gradient.array[range]), expected, tolerance) == nil)
        }
    }
}

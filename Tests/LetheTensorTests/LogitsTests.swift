import Foundation
import LetheTensor
import LetheTestSupport
import Testing

@Suite struct LogitsTests {
    static let shapes = [(1, 1), (2, 2), (3, 16), (2, 17), (4, 1000), (1, 1025), (3, 3001)]

    @Test(arguments: shapes)
    func `statistics are those of the distribution`(rows: Int, vocabulary: Int) throws {
        var data = TestData(41)
        let logits = data.values(rows * vocabulary, scale: 8)
        let targets = data.indices(rows, below: vocabulary)
        let result = Kernels.logitStatistics(
            try Matrix(logits, rows: rows, columns: vocabulary), targets: targets, moments: true)
        let plain = Kernels.logitStatistics(try Matrix(logits, rows: rows, columns: vocabulary), targets: targets)
        #expect(plain.nll == result.nll && plain.logSumExp == result.logSumExp && plain.argmax == result.argmax)
        #expect(plain.mean.isEmpty && plain.variance.isEmpty)
        for row in 0..<rows {
            let x = Array(logits[row * vocabulary..<(row + 1) * vocabulary]).doubles
            let logP = Naive.logSoftmax(x)
            let mean = logP.reduce(0) { $0 + exp($1) * $1 }
            let variance = logP.reduce(0) { $0 + exp($1) * $1 * $1 } - mean * mean
            #expect(
                Closeness.mismatch(
                    [result.nll[row], result.logSumExp[row], result.mean[row], result.variance[row]],
                    [-logP[Int(targets[row])], x[0] - logP[0], mean, variance],
                    Tolerance(absolute: 1e-5, relative: 1e-5))
                    == nil)
            #expect(Int(result.argmax[row]) == x.firstIndex(of: x.max() ?? 0))
        }
    }

    @Test func `the first of equal logits is the most likely token`() throws {
        for vocabulary in [5, 40] {
            var logits = [Float](repeating: -1, count: vocabulary)
            logits[3] = 2
            logits[4] = 2
            let result = Kernels.logitStatistics(try Matrix(logits, rows: 1, columns: vocabulary), targets: [0])
            #expect(result.argmax == [3])
        }
    }

    @Test func `extreme logits stay finite`() throws {
        let logits = try Matrix([1e4, -1e4, 0, -1e30], rows: 1, columns: 4)
        let result = Kernels.logitStatistics(logits, targets: [1], moments: true)
        #expect(result.nll == [2e4] && result.mean == [0] && result.variance == [0])
    }

    @Test(arguments: shapes)
    func `cross-entropy's gradient is its derivative`(rows: Int, vocabulary: Int) throws {
        var data = TestData(42)
        let logits = data.values(rows * vocabulary, scale: 3)
        let targets = data.indices(rows, below: vocabulary)
        var coefficients = data.values(rows)
        if rows > 1 { coefficients[rows - 1] = 0 }
        let matrix = try Matrix(logits, rows: rows, columns: vocabulary)
        let statistics = Kernels.logitStatistics(matrix, targets: targets)
        Kernels.crossEntropyBackward(
            matrix, logSumExp: statistics.logSumExp, targets: targets, coefficients: coefficients)
        let gradient = matrix.array
        for row in 0..<rows {
            let range = row * vocabulary..<(row + 1) * vocabulary
            let target = Int(targets[row])
            let places = Array(Set(data.places(30, in: vocabulary) + [target])).sorted()
            let expected = FiniteDifference.gradient(Array(logits[range]).doubles, at: places) {
                -Naive.logSoftmax($0)[target] * Double(coefficients[row])
            }
            #expect(
                Closeness.mismatch(
                    places.map { gradient[range.lowerBound + $0] }, expected, Tolerance(absolute: 1e-6, relative: 1e-4))
                    == nil)
            if coefficients[row] == 0 { #expect(gradient[range].allSatisfy { $0 == 0 }) }
        }
    }

    @Test(arguments: shapes, [false, true])
    func `divergences and their derivatives`(shape: (Int, Int), isReverse: Bool) throws {
        let (rows, vocabulary) = shape
        var data = TestData(43)
        let logits = data.values(rows * vocabulary, scale: 3)
        // Spread so far that the published floor of 1e-12 matters.
        let reference = data.values(rows * vocabulary, scale: isReverse ? 14 : 3)
        let coefficients = data.values(rows)
        func loss(_ x: [Double], _ row: Int) -> Double {
            let other = Array(reference[row * vocabulary..<(row + 1) * vocabulary]).doubles
            return isReverse
                ? Naive.reverseCrossEntropy(x, reference: other) : Naive.kl(x, reference: other)
        }
        let matrix = try Matrix(logits, rows: rows, columns: vocabulary)
        let losses = Kernels.divergence(
            isReverse ? .reverseCrossEntropy : .kl, logits: matrix,
            reference: try Matrix(reference, rows: rows, columns: vocabulary), coefficients: coefficients)
        for row in 0..<rows {
            let range = row * vocabulary..<(row + 1) * vocabulary
            let x = Array(logits[range]).doubles
            #expect(
                Closeness.mismatch(Double(losses[row]), loss(x, row), Tolerance(absolute: 1e-5, relative: 1e-5)) == nil)
            let places = data.places(30, in: vocabulary)
            let expected = FiniteDifference.gradient(x, at: places) { loss($0, row) * Double(coefficients[row]) }
            #expect(
                Closeness.mismatch(
                    places.map { matrix.array[range.lowerBound + $0] }, expected,
                    Tolerance(absolute: 5e-6, relative: 2e-4)) == nil)
        }
    }

    @Test func `a distribution does not diverge from itself`() throws {
        var data = TestData(44)
        let logits = data.values(3 * 100)
        let matrix = try Matrix(logits, rows: 3, columns: 100)
        let losses = Kernels.divergence(
            .kl, logits: matrix, reference: try Matrix(logits, rows: 3, columns: 100), coefficients: [1, 1, 1])
        #expect(losses == [0, 0, 0] && matrix.array.allSatisfy { $0 == 0 })
    }

    @Test(arguments: [Float(0.5), 2.5, 30])
    func `softcap and its derivative`(cap: Float) throws {
        var data = TestData(45)
        let x = data.values(1003, scale: Double(cap)) + [0, 1e-4, -1e-4, 1e4, -1e4]
        let dy = data.values(x.count)
        let y = try Matrix(x, rows: 1, columns: x.count)
        Kernels.softcap(y, cap: cap)
        let expected = x.doubles.map { Double(cap) * tanh($0 / Double(cap)) }
        #expect(Closeness.mismatch(y.array, expected, Tolerance(absolute: 1e-7, relative: 3e-6)) == nil)
        let gradient = try Matrix(dy, rows: 1, columns: x.count)
        Kernels.softcapBackward(gradient, y: y, cap: cap)
        let slopes = zip(x.doubles, dy).map { value, slope in
            FiniteDifference.gradient([value]) { Double(cap) * tanh($0[0] / Double(cap)) }[0] * Double(slope)
        }
        #expect(Closeness.mismatch(gradient.array, slopes, Tolerance(absolute: 2e-6, relative: 2e-5)) == nil)
    }
}

import Foundation
import LetheTensor
import LetheTestSupport
import Testing

@Suite struct ElementwiseTests {
    static let counts = [1, 15, 16, 63, 511, 513, 30_011]

    @Test(arguments: counts)
    func `sums, factors and dot products`(count: Int) throws {
        var data = TestData(51)
        let x = data.values(count)
        let y = data.values(count)
        let xs = try Matrix(x, rows: 1, columns: count)
        func changed(_ body: (Matrix) -> Void) throws -> [Float] {
            let matrix = try Matrix(y, rows: 1, columns: count)
            body(matrix)
            return matrix.array
        }
        #expect(try changed { Kernels.add(xs, to: $0) } == zip(y, x).map { $0 + $1 })
        #expect(try changed { Kernels.scale($0, by: 1.7) } == y.map { $0 * 1.7 })
        let fused = try changed { Kernels.add(xs, times: -0.3, to: $0) }
        #expect(
            Closeness.mismatch(
                fused, zip(y.doubles, x.doubles).map { $0 + Double(Float(-0.3)) * $1 },
                Tolerance(absolute: 1e-6, relative: 1e-6)) == nil)
        let squares = x.doubles.reduce(0) { $0 + $1 * $1 }
        #expect(Closeness.mismatch(Kernels.sumOfSquares(xs), squares, Tolerance(absolute: 0, relative: 1e-6)) == nil)
        let dot = Kernels.dot(xs, try Matrix(y, rows: 1, columns: count))
        #expect(
            Closeness.mismatch(dot, dotProduct(x.doubles, y), Tolerance(absolute: 1e-5 * squares.squareRoot())) == nil)
    }

    @Test(arguments: [(1, 1), (3, 17), (200, 129)])
    func `bias and its gradient`(rows: Int, columns: Int) throws {
        var data = TestData(52)
        let y = data.values(rows * columns)
        let bias = data.values(columns)
        let matrix = try Matrix(y, rows: rows, columns: columns)
        Kernels.addBias(try FloatBuffer(bias), to: matrix)
        #expect(matrix.array == y.indices.map { y[$0] + bias[$0 % columns] })
        let dy = try Strided(y, rows: rows, columns: columns, before: 2, after: 1)
        let dbias = try FloatBuffer(bias)
        Kernels.biasBackward(dy.part, dbias: dbias)
        let expected = (0..<columns).map { column in
            (0..<rows).reduce(Double(bias[column])) { $0 + Double(y[$1 * columns + column]) }
        }
        #expect(Closeness.mismatch(dbias.array, expected, Tolerance(absolute: 2e-5, relative: 1e-5)) == nil)
    }

    @Test func `rounding to bfloat16 is exact`() throws {
        var generator = TestData(53)
        let specials: [UInt32] = [
            0, 0x8000_0000, 1, 0x8000_0001, 0x7FFF, 0x8000, 0x8001, 0x1_7FFF, 0x1_8000, 0x1_8001, 0x3F80_0000,
            0x3F80_8000,
            0x3F81_8000, 0x3F80_7FFF, 0x7F7F_FFFF, 0xFF7F_FFFF, 0x7F7F_7FFF, 0x7F80_0000, 0xFF80_0000, 0x007F_FFFF,
        ]
        let random = (0..<5000).map { _ in
            UInt32(truncatingIfNeeded: generator.indices(1, below: 1 << 16)[0]) << 16
                | UInt32(truncatingIfNeeded: generator.indices(1, below: 1 << 16)[0])
        }
        let values = (specials + random).map { Float(bitPattern: $0) }
        let narrow = try BFloat16Buffer(rounding: FloatBuffer(values).pointer, count: values.count)
        let wide = try FloatBuffer(count: values.count)
        narrow.widen(into: wide.pointer)
        for (index, value) in values.enumerated() {
            let bits = narrow.pointer[index]
            #expect(wide.pointer[index].bitPattern == UInt32(bits) << 16)
            if value.isNaN {
                #expect(Float(bitPattern: UInt32(bits) << 16).isNaN)
                continue
            }
            let down = value.bitPattern & 0xFFFF_0000
            let rest = value.bitPattern & 0xFFFF
            let goesUp = rest > 0x8000 || rest == 0x8000 && down & 0x1_0000 != 0
            #expect(UInt32(bits) << 16 == (goesUp ? down + 0x1_0000 : down), "\(String(value.bitPattern, radix: 16))")
        }
        // All quiet and signalling NaNs stay NaN, sign included.
        let nans = try FloatBuffer([0x7F80_0001, 0xFF80_0001, 0x7FFF_FFFF, 0xFFFF_FFFF].map { Float(bitPattern: $0) })
        let kept = try BFloat16Buffer(rounding: nans.pointer, count: 4)
        #expect((0..<4).allSatisfy { kept.pointer[$0] & 0x7F80 == 0x7F80 && kept.pointer[$0] & 0x7F != 0 })
        #expect((0..<4).map { kept.pointer[$0] >> 15 } == [0, 1, 0, 1])
    }

    @Test(arguments: [1, 1003, 9000])
    func `AdamW is the published rule`(count: Int) throws {
        var data = TestData(54)
        let start = data.values(count)
        let weight = try FloatBuffer(start)
        let m = try FloatBuffer(zeros: count)
        let v = try FloatBuffer(zeros: count)
        var expected = start.doubles
        var first = [Double](repeating: 0, count: count)
        var second = [Double](repeating: 0, count: count)
        for step in 1...6 {
            let rate = 0.01 / Double(step)
            // The last ones without a gradient, where only decay and momentum move the weights.
            let gradient = step < 5 ? data.values(count, scale: 0.1) : [Float](repeating: 0, count: count)
            Kernels.adamW(
                weight: weight.pointer, m: m, v: v, gradient: gradient, count: count, learningRate: Float(rate),
                beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: step)
            for index in 0..<count {
                let g = Double(gradient[index])
                expected[index] -= rate * 0.1 * expected[index]
                first[index] = 0.9 * first[index] + 0.1 * g
                second[index] = 0.95 * second[index] + 0.05 * g * g
                let corrected = (second[index] / (1 - pow(0.95, Double(step)))).squareRoot()
                expected[index] -= rate * first[index] / (1 - pow(0.9, Double(step))) / (corrected + 1e-8)
            }
            #expect(Closeness.mismatch(weight.array, expected, Tolerance(absolute: 1e-6, relative: 1e-5)) == nil)
        }
        #expect(Closeness.mismatch(m.array, first, ofScale: 1e-5) == nil)
        #expect(Closeness.mismatch(v.array, second, ofScale: 1e-5) == nil)
        #expect(zip(weight.array, start).contains { $0 != $1 })
    }

    @Test(arguments: [(1, 1, 1), (3, 5, 7), (2, 1000, 384), (5, 301, 33)])
    func `largest dot products`(queries: Int, rows: Int, dimension: Int) throws {
        var data = TestData(55)
        let questions = (0..<queries).map { _ in data.values(dimension) }
        let wide = data.values(rows * dimension)
        let narrow = try BFloat16Buffer(rounding: FloatBuffer(wide).pointer, count: wide.count)
        let memory = (0..<wide.count).map { narrow.pointer[$0] }
        let rounded = memory.map { Double(Float(bitPattern: UInt32($0) << 16)) }
        let expected = questions.map { question -> Double in
            let products = (0..<rows).map {
                dotProduct(Array(rounded[$0 * dimension..<($0 + 1) * dimension]), question)
            }
            return products.max() ?? 0
        }
        let found = Kernels.largestDotProducts(queries: questions, memory: memory, dimension: dimension)
        #expect(Closeness.mismatch(found, expected, Tolerance(absolute: 1e-5, relative: 1e-5)) == nil)
    }

    @Test func `the largest dot product may be negative`() {
        let found = Kernels.largestDotProducts(
            queries: [[-1, -1]], memory: [0x3F80, 0x3F80, 0x4000, 0x4000], dimension: 2)
        #expect(found == [-2])
    }
}

import LetheTensor
import LetheTestSupport
import Testing

@Suite struct NormTests {
    static let shapes = [(1, 1), (1, 5), (3, 16), (5, 33), (2, 40), (70, 129)]

    @Test(arguments: shapes, [Float(0), 1])
    func `root mean square norm and its gradient`(shape: (Int, Int), offset: Float) throws {
        let (rows, d) = shape
        var data = TestData(UInt64(rows + d))
        let x = data.values(rows * d)
        let weight = data.values(d)
        let dy = data.values(rows * d)
        let dxStart = data.values(rows * d)
        let dweightStart = data.values(d)
        func loss(_ x: [Double], _ weight: [Double]) -> Double {
            dotProduct(Naive.rmsNorm(x, weight: weight, offset: Double(offset), epsilon: 1e-5), dy)
        }
        for gap in [0, 2] {
            let xs = try Strided(x, rows: rows, columns: d, before: gap, after: gap)
            let y = try Strided(dy, rows: rows, columns: d, before: 0, after: gap)
            let rstd = try FloatBuffer(count: rows)
            let weights = try FloatBuffer(weight)
            Kernels.rmsNorm(xs.part, weight: weights, offset: offset, epsilon: 1e-5, into: y.part, rstd: rstd)
            let expected = Naive.rmsNorm(x.doubles, weight: weight.doubles, offset: Double(offset), epsilon: 1e-5)
            #expect(Closeness.mismatch(y.part.array, expected, ofScale: 1e-5, "y") == nil)

            let dx = try Strided(dxStart, rows: rows, columns: d, before: gap, after: 0)
            let dys = try Strided(dy, rows: rows, columns: d, before: gap, after: 1)
            let dweight = try FloatBuffer(dweightStart)
            Kernels.rmsNormBackward(
                dys.part, x: xs.part, weight: weights, offset: offset, rstd: rstd, dx: dx.part, dweight: dweight)
            var places = data.places(60, in: rows * d)
            let dxExpected = FiniteDifference.gradient(x.doubles, at: places) { loss($0, weight.doubles) }
            #expect(
                Closeness.mismatch(
                    places.map { dx.part.array[$0] - dxStart[$0] }, dxExpected,
                    Tolerance(absolute: 2e-5, relative: 2e-4), "dx") == nil)
            places = data.places(40, in: d)
            let dwExpected = FiniteDifference.gradient(weight.doubles, at: places) { loss(x.doubles, $0) }
            #expect(
                Closeness.mismatch(
                    places.map { dweight.array[$0] - dweightStart[$0] }, dwExpected,
                    Tolerance(absolute: 2e-5, relative: 2e-4), "dweight") == nil)
            #expect([xs, y, dx, dys].allSatisfy { $0.isIntact })

            let frozen = try Matrix(dxStart, rows: rows, columns: d)
            Kernels.rmsNormBackward(
                dys.part, x: xs.part, weight: weights, offset: offset, rstd: rstd, dx: frozen, dweight: nil)
            #expect(frozen.array == dx.part.array)
        }
    }

    @Test(arguments: shapes, [false, true])
    func `layer norm and its gradient`(shape: (Int, Int), hasBias: Bool) throws {
        let (rows, d) = shape
        var data = TestData(UInt64(3 * rows + d))
        let x = data.values(rows * d)
        let weight = data.values(d)
        let bias = data.values(d)
        let dy = data.values(rows * d)
        let dxStart = data.values(rows * d)
        // With one element per row the variance is 0 and only epsilon is left.
        let epsilon = d == 1 ? 0.1 : 1e-5
        func normed(_ x: [Double], _ weight: [Double]) -> [Double] {
            Naive.layerNorm(x, weight: weight, bias: hasBias ? bias.doubles : nil, epsilon: epsilon)
        }
        let xs = try Matrix(x, rows: rows, columns: d)
        let y = try Matrix(rows: rows, columns: d)
        let mean = try FloatBuffer(count: rows)
        let rstd = try FloatBuffer(count: rows)
        let weights = try FloatBuffer(weight)
        Kernels.layerNorm(
            xs, weight: weights, bias: hasBias ? try FloatBuffer(bias) : nil, epsilon: Float(epsilon), into: y,
            mean: mean, rstd: rstd)
        #expect(
            Closeness.mismatch(y.array, normed(x.doubles, weight.doubles), Tolerance(absolute: 2e-5, relative: 1e-5))
                == nil)

        let dx = try Matrix(dxStart, rows: rows, columns: d)
        let dweight = try FloatBuffer(weight)
        let dbias = try FloatBuffer(bias)
        let dys = try Matrix(dy, rows: rows, columns: d)
        Kernels.layerNormBackward(
            dys, x: xs, weight: weights, mean: mean, rstd: rstd, dx: dx, dweight: dweight, dbias: dbias)
        let tolerance = Tolerance(absolute: 5e-5, relative: 2e-4)
        var places = data.places(60, in: rows * d)
        let dxExpected = FiniteDifference.gradient(x.doubles, at: places) { dotProduct(normed($0, weight.doubles), dy) }
        #expect(Closeness.mismatch(places.map { dx.array[$0] - dxStart[$0] }, dxExpected, tolerance, "dx") == nil)
        places = data.places(40, in: d)
        let dwExpected = FiniteDifference.gradient(weight.doubles, at: places) { dotProduct(normed(x.doubles, $0), dy) }
        #expect(Closeness.mismatch(places.map { dweight.array[$0] - weight[$0] }, dwExpected, tolerance, "dw") == nil)
        let dbExpected = (0..<d).map { column in (0..<rows).reduce(0.0) { $0 + Double(dy[$1 * d + column]) } }
        #expect(Closeness.mismatch(zip(dbias.array, bias).map(-), dbExpected, tolerance, "dbias") == nil)

        let other = try Matrix(dxStart, rows: rows, columns: d)
        Kernels.layerNormBackward(
            dys, x: xs, weight: weights, mean: mean, rstd: rstd, dx: other, dweight: nil, dbias: nil)
        #expect(other.array == dx.array)
    }
}

import LetheTensor
import LetheTestSupport
import Testing

@Suite struct ActivationTests {
    static let kinds: [Activation] = [.silu, .gelu, .geluTanh, .relu]
    private static let tolerance = Tolerance(absolute: 1e-6, relative: 5e-6)

    /// From far left over 0 to far right, with small values in between.
    private func inputs(_ count: Int, _ data: inout TestData) -> [Float] {
        let special: [Float] = [
            -200, -88.5, -20, -5, -0.75, -0.1, -1e-3, 1e-3, 0.099, 0.11, 0.5, 3, 5.5, 20, 88.5, 200,
        ]
        return (0..<count).map { $0 % 3 == 0 ? special[$0 / 3 % special.count] : data.values(1, scale: 2)[0] }
    }

    @Test(arguments: kinds, [1, 15, 64, 1003])
    func `plain activation and its derivative`(kind: Activation, count: Int) throws {
        var data = TestData(31)
        let x = inputs(count, &data)
        let dy = data.values(count)
        let xs = try Matrix(x, rows: 1, columns: count)
        let y = try Matrix(rows: 1, columns: count)
        Kernels.activate(xs, activation: kind, into: y)
        #expect(Closeness.mismatch(y.array, x.doubles.map { Naive.activate($0, kind) }, Self.tolerance) == nil)
        let expected = zip(x.doubles, dy).map { value, slope in
            FiniteDifference.gradient([value]) { Naive.activate($0[0], kind) }[0] * Double(slope)
        }
        for withOutput in [true, false] {
            let dx = try Matrix(x, rows: 1, columns: count)
            let out = withOutput ? try Matrix(rows: 1, columns: count) : nil
            Kernels.activateBackward(try Matrix(dy, rows: 1, columns: count), x: dx, activation: kind, out: out)
            #expect(Closeness.mismatch(dx.array, expected, Tolerance(absolute: 2e-6, relative: 2e-5)) == nil)
            if let out { #expect(out.array == y.array) }
        }
    }

    @Test(arguments: kinds, [(1, 1), (3, 17), (5, 33), (40, 130)])
    func `gated activation and its derivative`(kind: Activation, shape: (Int, Int)) throws {
        let (rows, f) = shape
        var data = TestData(32)
        let gateUp = inputs(rows * f, &data) + data.values(rows * f)
        // Interleave by rows: a row is its gate, then its up.
        let x = (0..<rows).flatMap { row -> [Float] in
            let gate = row * f..<(row + 1) * f
            let up = (rows + row) * f..<(rows + row + 1) * f
            return Array(gateUp[gate]) + Array(gateUp[up])
        }
        let dout = data.values(rows * f)
        let xs = try Matrix(x, rows: rows, columns: 2 * f)
        let out = try Matrix(rows: rows, columns: f)
        Kernels.gated(xs, activation: kind, into: out)
        #expect(Closeness.mismatch(out.array, Naive.gated(x.doubles, f: f, kind), Self.tolerance) == nil)
        // Each output depends on its own gate and up alone.
        var expected = [Double](repeating: 0, count: x.count)
        for row in 0..<rows {
            for column in 0..<f {
                let gate = row * 2 * f + column
                let slope = Double(dout[row * f + column])
                let derivative = FiniteDifference.gradient([Double(x[gate])]) { Naive.activate($0[0], kind) }[0]
                expected[gate] = slope * Double(x[gate + f]) * derivative
                expected[gate + f] = slope * Naive.activate(Double(x[gate]), kind)
            }
        }
        for withOutput in [true, false] {
            let gradient = try Matrix(x, rows: rows, columns: 2 * f)
            let again = withOutput ? try Matrix(rows: rows, columns: f) : nil
            Kernels.gatedBackward(
                try Matrix(dout, rows: rows, columns: f), gateUp: gradient, activation: kind, out: again)
            #expect(Closeness.mismatch(gradient.array, expected, Tolerance(absolute: 4e-6, relative: 2e-5)) == nil)
            if let again { #expect(again.array == out.array) }
        }
    }
}

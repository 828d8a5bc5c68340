import LetheCore
import LetheTensor
import LetheTestSupport
import Testing

@Suite struct LinearTests {
    /// Rows, outputs, inputs.
    static let shapes = [
        (1, 1, 1), (1, 5, 3), (2, 19, 35), (3, 1, 7), (7, 17, 33), (33, 65, 17), (16, 48, 32), (65, 20, 129),
        (190, 40, 33), (300, 20, 17), (1100, 12, 9), (10, 9, 1601), (13, 200, 333),
    ]
    private static let scale = 2e-6

    @Test(arguments: shapes)
    func `products are those of the formulas`(rows: Int, outputs: Int, inputs: Int) throws {
        var data = TestData(UInt64(rows * 1000 + outputs))
        let x = data.values(rows * inputs)
        let w = data.values(outputs * inputs)
        let dy = data.values(rows * outputs)
        let start = data.values(rows * outputs)
        let dxStart = data.values(rows * inputs)
        let dwStart = data.values(outputs * inputs)
        let weight = WeightMatrix(try FloatBuffer(w), rows: outputs, columns: inputs)
        // Once with rows that follow each other, once inside wider matrices.
        for gap in [0, 3] {
            let xs = try Strided(x, rows: rows, columns: inputs, before: gap, after: 2 * gap)
            let y = try Strided(start, rows: rows, columns: outputs, before: 2 * gap, after: gap)
            let forward = Naive.product(
                x.doubles, w.doubles, m: rows, n: outputs, k: inputs, transposeA: false, transposeB: true)
            try Linear.forward(xs.part, weight, into: y.part, accumulate: true)
            #expect(
                Closeness.mismatch(
                    y.part.array, zip(start.doubles, forward).map(+), ofScale: Self.scale * 10, "y += xW")
                    == nil)
            try Linear.forward(xs.part, weight, into: y.part)
            #expect(Closeness.mismatch(y.part.array, forward, ofScale: Self.scale * 10, "y = xW") == nil)

            let dys = try Strided(dy, rows: rows, columns: outputs, before: gap, after: 0)
            let dx = try Strided(dxStart, rows: rows, columns: inputs, before: gap, after: gap)
            let backward = Naive.product(
                dy.doubles, w.doubles, m: rows, n: inputs, k: outputs, transposeA: false, transposeB: false)
            try Linear.backwardInput(dys.part, weight, into: dx.part, accumulate: true)
            #expect(
                Closeness.mismatch(
                    dx.part.array, zip(dxStart.doubles, backward).map(+), ofScale: Self.scale * 10, "dx +=")
                    == nil)
            try Linear.backwardInput(dys.part, weight, into: dx.part)
            #expect(Closeness.mismatch(dx.part.array, backward, ofScale: Self.scale * 10, "dx =") == nil)

            let dw = try Strided(dwStart, rows: outputs, columns: inputs, before: gap, after: gap)
            let gradient = Naive.product(
                dy.doubles, x.doubles, m: outputs, n: inputs, k: rows, transposeA: true, transposeB: false)
            try Linear.backwardWeight(dys.part, xs.part, into: dw.part)
            #expect(
                Closeness.mismatch(
                    dw.part.array, zip(dwStart.doubles, gradient).map(+), ofScale: Self.scale * 10, "dW +=")
                    == nil)
            #expect([xs, y, dys, dx, dw].allSatisfy { $0.isIntact })
            #expect(xs.part.array == x && dys.part.array == dy)
        }
    }

    @Test func `no rows are no work`() throws {
        let weight = WeightMatrix(try FloatBuffer([1, 2, 3, 4, 5, 6]), rows: 2, columns: 3)
        let dw = try Matrix([1, 1, 1, 1, 1, 1], rows: 2, columns: 3)
        try Linear.forward(Matrix(rows: 0, columns: 3), weight, into: Matrix(rows: 0, columns: 2))
        try Linear.backwardInput(Matrix(rows: 0, columns: 2), weight, into: Matrix(rows: 0, columns: 3))
        try Linear.backwardWeight(Matrix(rows: 0, columns: 2), Matrix(rows: 0, columns: 3), into: dw)
        #expect(dw.array == [1, 1, 1, 1, 1, 1])
    }

    @Test(.enabled(if: Engine.hasBFloat16), arguments: shapes)
    func `bfloat16 products are those of the rounded inputs`(rows: Int, outputs: Int, inputs: Int) throws {
        var data = TestData(7)
        let x = data.values(rows * inputs)
        let w = data.values(outputs * inputs)
        let dy = data.values(rows * outputs)
        func rounded(_ values: [Float]) throws -> [Double] {
            let wide = try FloatBuffer(count: values.count)
            try BFloat16Buffer(rounding: FloatBuffer(values).pointer, count: values.count).widen(into: wide.pointer)
            return wide.array.doubles
        }
        let weight = WeightMatrix(try FloatBuffer(w), rows: outputs, columns: inputs)
        let frozen = WeightMatrix(
            try BFloat16Buffer(rounding: FloatBuffer(w).pointer, count: w.count), rows: outputs, columns: inputs)
        let xs = try Strided(x, rows: rows, columns: inputs, before: 1, after: 2).part
        let dys = try Matrix(dy, rows: rows, columns: outputs)
        let forward = Naive.product(
            try rounded(x), try rounded(w), m: rows, n: outputs, k: inputs, transposeA: false, transposeB: true)
        let backward = Naive.product(
            try rounded(dy), try rounded(w), m: rows, n: inputs, k: outputs, transposeA: false, transposeB: false)
        for weight in [weight, frozen] {
            let y = try Matrix(rows: rows, columns: outputs)
            try Linear.forward(xs, weight, into: y, precision: .bfloat16)
            #expect(Closeness.mismatch(y.array, forward, ofScale: 2e-5) == nil)
            let dx = try Matrix(rows: rows, columns: inputs)
            try Linear.backwardInput(dys, weight, into: dx, precision: .bfloat16)
            #expect(Closeness.mismatch(dx.array, backward, ofScale: 2e-5) == nil)
        }
        let dw = try Matrix(zeros: outputs, columns: inputs)
        try Linear.backwardWeight(dys, xs, into: dw, precision: .bfloat16)
        let gradient = Naive.product(
            try rounded(dy), try rounded(x), m: outputs, n: inputs, k: rows, transposeA: true, transposeB: false)
        #expect(Closeness.mismatch(dw.array, gradient, ofScale: 2e-5) == nil)
    }

    @Test func `a frozen weight is read in fp32 and cannot be written`() throws {
        var data = TestData(3)
        let w = data.values(6)
        let frozen = WeightMatrix(try BFloat16Buffer(rounding: FloatBuffer(w).pointer, count: 6), rows: 2, columns: 3)
        #expect(throws: LetheError.self) { try frozen.values() }
        let copy = try frozen.copyForTraining()
        let x = try Matrix(data.values(12), rows: 4, columns: 3)
        let y = try Matrix(rows: 4, columns: 2)
        let other = try Matrix(rows: 4, columns: 2)
        try Linear.forward(x, frozen, into: y)
        try Linear.forward(x, copy, into: other)
        #expect(y.array == other.array)
        let row = try FloatBuffer(count: 3)
        frozen.copyRow(1, to: row.pointer)
        let second = try copy.matrix().rowRange(1, 1)
        #expect(row.array == second.array)
    }

    @Test(.enabled(if: Engine.hasBFloat16)) func `written values are rounded again`() throws {
        let weight = WeightMatrix(try FloatBuffer([1]), rows: 1, columns: 1)
        let x = try Matrix([1], rows: 1, columns: 1)
        let y = try Matrix(rows: 1, columns: 1)
        try Linear.forward(x, weight, into: y, precision: .bfloat16)
        try weight.values()[0] = 3
        weight.valuesChanged()
        try Linear.forward(x, weight, into: y, precision: .bfloat16)
        #expect(y.array == [3])
    }
}

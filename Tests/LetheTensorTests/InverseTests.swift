import LetheCore
import LetheTensor
import LetheTestSupport
import Testing

@Suite struct InverseTests {
    /// A Aᵀ / n + 0.05 I, which is positive definite.
    private func positive(_ size: Int) throws -> Matrix {
        var data = TestData(UInt64(size))
        let a = data.values(size * size).doubles
        let product = Naive.product(a, a, m: size, n: size, k: size, transposeA: false, transposeB: true)
        let matrix = try Matrix(rows: size, columns: size)
        for (index, value) in product.enumerated() { matrix.pointer[index] = Float(value / Double(size)) }
        for index in 0..<size { matrix.pointer[index * size + index] += 0.05 }
        return matrix
    }

    @Test(arguments: [1, 2, 63, 64, 65, 128, 200])
    func `the product with the inverse is the identity`(size: Int) throws {
        let matrix = try positive(size)
        let inverse = try matrix.copy()
        try inverse.invertPositiveDefinite()
        let product = Naive.product(
            matrix.array.doubles, inverse.array.doubles, m: size, n: size, k: size, transposeA: false,
            transposeB: false)
        let identity = (0..<size * size).map { $0 / size == $0 % size ? 1.0 : 0 }
        #expect(Closeness.mismatch(product.map { Float($0) }, identity, Tolerance(absolute: 2e-4)) == nil)
    }

    @Test func `a part of a wider matrix is inverted in its place`() throws {
        let matrix = try positive(70)
        let wide = try Matrix(zeros: 70, columns: 75)
        wide.columnRange(3, 70).assign(matrix)
        try wide.columnRange(3, 70).invertPositiveDefinite()
        try matrix.invertPositiveDefinite()
        #expect(wide.columnRange(3, 70).array == matrix.array)
        #expect((wide.columnRange(0, 3).array + wide.columnRange(73, 2).array).allSatisfy { $0 == 0 })
    }

    @Test func `what has no inverse is an error`() throws {
        #expect(throws: LetheError.self) { try Matrix(zeros: 2, columns: 3).invertPositiveDefinite() }
        #expect(throws: LetheError.self) { try Matrix(zeros: 65, columns: 65).invertPositiveDefinite() }
        let negative = try positive(66)
        negative.pointer[65 * 66 + 65] = -1
        #expect(throws: LetheError.self) { try negative.invertPositiveDefinite() }
        let broken = try positive(5)
        broken.pointer[0] = .nan
        #expect(throws: LetheError.self) { try broken.invertPositiveDefinite() }
    }

    @Test(arguments: [(1, 1, 1), (3, 5, 7), (70, 33, 65), (300, 20, 17)])
    func `a product of two matrices is that of the formula`(m: Int, n: Int, k: Int) throws {
        var data = TestData(UInt64(m * 100 + n))
        let (a, b, start) = (data.values(m * k), data.values(k * n), data.values(m * n))
        let expected = Naive.product(a.doubles, b.doubles, m: m, n: n, k: k, transposeA: false, transposeB: false)
        let c = Matrix(buffer: try FloatBuffer(start), rows: m, columns: n)
        let left = Matrix(buffer: try FloatBuffer(a), rows: m, columns: k)
        let right = Matrix(buffer: try FloatBuffer(b), rows: k, columns: n)
        try Linear.product(left, right, into: c, accumulate: true)
        #expect(Closeness.mismatch(c.array, zip(start.doubles, expected).map(+), ofScale: 2e-5, "+=") == nil)
        try Linear.product(left, right, into: c)
        #expect(Closeness.mismatch(c.array, expected, ofScale: 2e-5, "=") == nil)
    }
}

import Foundation
import LetheTensor
import LetheTestSupport
import Testing

@Suite struct RopeTests {
    struct Shape: Sendable {
        var rows: Int
        var heads: Int
        var headSize: Int
        var rotary: Int
    }

    static let shapes = [
        Shape(rows: 1, heads: 1, headSize: 2, rotary: 2), Shape(rows: 3, heads: 2, headSize: 10, rotary: 4),
        Shape(rows: 5, heads: 3, headSize: 8, rotary: 8), Shape(rows: 17, heads: 4, headSize: 36, rotary: 34),
        Shape(rows: 2, heads: 2, headSize: 6, rotary: 0), Shape(rows: 60, heads: 9, headSize: 64, rotary: 64),
    ]

    @Test(arguments: shapes)
    func `rotation, its inverse and its gradient`(shape: Shape) throws {
        var data = TestData(11)
        let columns = shape.heads * shape.headSize
        let half = shape.rotary / 2
        let length = 20
        let angles = (0..<length * half).map { index -> Double in
            let share = Double(index % half) / Double(half)
            return Double(index / half) * pow(100, -share)
        }
        let cosine = angles.map { Float(cos($0)) }
        let sine = angles.map { Float(sin($0)) }
        let positions = data.indices(shape.rows, below: length)
        let x = data.values(shape.rows * columns)
        let dy = data.values(shape.rows * columns)
        func rotate(_ values: [Float], inverse: Bool) throws -> Strided {
            let matrix = try Strided(values, rows: shape.rows, columns: columns, before: 3, after: 5)
            Kernels.rope(
                matrix.part, heads: shape.heads, headSize: shape.headSize, rotary: shape.rotary,
                cosine: try FloatBuffer(cosine), sine: try FloatBuffer(sine), positions: positions, inverse: inverse)
            return matrix
        }
        func naive(_ x: [Double]) -> [Double] {
            Naive.rope(
                x, heads: shape.heads, headSize: shape.headSize, rotary: shape.rotary, cosine: cosine.doubles,
                sine: sine.doubles, positions: positions)
        }
        let tolerance = Tolerance(absolute: 2e-6, relative: 2e-6)
        let rotated = try rotate(x, inverse: false)
        #expect(rotated.isIntact)
        #expect(Closeness.mismatch(rotated.part.array, naive(x.doubles), tolerance) == nil)
        let back = try rotate(rotated.part.array, inverse: true)
        #expect(Closeness.mismatch(back.part.array, x, tolerance) == nil)
        let places = data.places(50, in: x.count)
        let expected = FiniteDifference.gradient(x.doubles, at: places) { dotProduct(naive($0), dy) }
        let dx = try rotate(dy, inverse: true).part.array
        #expect(
            Closeness.mismatch(places.map { dx[$0] }, expected, Tolerance(absolute: 1e-5, relative: 1e-5)) == nil)
    }
}

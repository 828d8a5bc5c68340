import LetheCore
import LetheTensor

/// Random values, the same in every run.
struct TestData {
    private var generator: SeededGenerator

    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// Normally distributed values.
    mutating func values(_ count: Int, scale: Double = 1) -> [Float] {
        (0..<count).map { _ in Float(scale * generator.nextGaussian()) }
    }

    /// Whole numbers below a bound.
    mutating func indices(_ count: Int, below bound: Int) -> [Int32] {
        (0..<count).map { _ in Int32(generator.nextInt(below: bound)) }
    }

    /// Distinct places to look at, all of them when there are few.
    mutating func places(_ count: Int, in total: Int) -> [Int] {
        if total <= count { return Array(0..<total) }
        return (0..<count).map { _ in generator.nextInt(below: total) }
    }
}

/// A matrix inside a wider one, whose other elements must stay as they are.
struct Strided {
    let whole: Matrix
    let part: Matrix
    private let before: Int
    private static let sentinel: Float = 7.25

    /// `values` between `before` and `after` other columns.
    init(_ values: [Float], rows: Int, columns: Int, before: Int, after: Int) throws {
        whole = try Matrix(rows: rows, columns: before + columns + after)
        whole.pointer.update(repeating: Self.sentinel, count: whole.count)
        part = whole.columnRange(before, columns)
        part.assign(try Matrix(values, rows: rows, columns: columns))
        self.before = before
    }

    /// Whether nothing outside the part was written.
    var isIntact: Bool {
        (0..<whole.rows).allSatisfy { row in
            (0..<whole.columns).allSatisfy { column in
                (before..<before + part.columns).contains(column)
                    || whole.pointer[row * whole.stride + column] == Self.sentinel
            }
        }
    }
}

extension Matrix {
    /// A matrix of some values, row by row.
    init(_ values: [Float], rows: Int, columns: Int) throws {
        precondition(values.count == rows * columns)
        try self.init(buffer: FloatBuffer(values), rows: rows, columns: columns)
    }
}

extension [Float] {
    var doubles: [Double] { map(Double.init) }
}

/// Derivatives of a scalar function by central differences in Double.
enum FiniteDifference {
    /// At some places of the argument.
    static func gradient(_ x: [Double], at places: [Int], step: Double = 1e-5, _ loss: ([Double]) -> Double) -> [Double]
    {
        places.map { place in
            var moved = x
            moved[place] = x[place] + step
            let above = loss(moved)
            moved[place] = x[place] - step
            return (above - loss(moved)) / (2 * step)
        }
    }

    /// At every place.
    static func gradient(_ x: [Double], step: Double = 1e-5, _ loss: ([Double]) -> Double) -> [Double] {
        gradient(x, at: Array(x.indices), step: step, loss)
    }
}

/// Σ a · b.
func dotProduct(_ a: [Double], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * Double($1.1) } }

import CKernels
import LetheCore

/// A row-major fp32 matrix, or a rectangle of one: rows of `columns` elements, `stride` apart.
///
/// Copies share the same memory.
public struct Matrix {
    let owner: FloatBuffer
    /// The first element.
    public let pointer: UnsafeMutablePointer<Float>
    /// Rows; for activations one for each token.
    public let rows: Int
    /// Elements used in each row.
    public let columns: Int
    /// Elements from one row to the next.
    public let stride: Int

    /// A new matrix with arbitrary content.
    /// - Throws: ``LetheError`` `limit_exceeded`.
    public init(rows: Int, columns: Int) throws {
        try self.init(buffer: FloatBuffer(count: Self.product(rows, columns)), rows: rows, columns: columns)
    }

    /// A new matrix of zeros.
    /// - Throws: ``LetheError`` `limit_exceeded`.
    public init(zeros rows: Int, columns: Int) throws {
        try self.init(buffer: FloatBuffer(zeros: Self.product(rows, columns)), rows: rows, columns: columns)
    }

    /// Looks at a buffer as a matrix.
    /// - Precondition: the buffer has `rows * columns` elements.
    public init(buffer: FloatBuffer, rows: Int, columns: Int) {
        precondition(rows * columns <= buffer.count, "the buffer is smaller than the matrix")
        owner = buffer
        pointer = buffer.pointer
        self.rows = rows
        self.columns = columns
        stride = columns
    }

    private init(owner: FloatBuffer, pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int) {
        self.owner = owner
        self.pointer = pointer
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    /// `rows * columns`.
    public var count: Int { rows * columns }

    /// Whether rows follow each other without a gap.
    public var isContiguous: Bool { stride == columns || rows <= 1 }

    /// Some columns of every row.
    public func columnRange(_ from: Int, _ count: Int) -> Matrix {
        precondition(from >= 0 && count >= 0 && from + count <= columns, "columns out of range")
        return Matrix(owner: owner, pointer: pointer + from, rows: rows, columns: count, stride: stride)
    }

    /// Some whole rows.
    public func rowRange(_ from: Int, _ count: Int) -> Matrix {
        precondition(from >= 0 && count >= 0 && from + count <= rows, "rows out of range")
        return Matrix(owner: owner, pointer: pointer + from * stride, rows: count, columns: columns, stride: stride)
    }

    /// Copies all elements of a matrix of the same shape, with which this one shares no memory, into this one.
    public func assign(_ other: Matrix) {
        precondition(rows == other.rows && columns == other.columns, "shapes differ")
        if isContiguous && other.isContiguous {
            lethe_copy(pointer, other.pointer, Int64(count))
        } else {
            for row in 0..<rows {
                (pointer + row * stride).update(from: other.pointer + row * other.stride, count: columns)
            }
        }
    }

    /// A contiguous copy with its own memory.
    /// - Throws: ``LetheError`` `limit_exceeded`.
    public func copy() throws -> Matrix {
        let copy = try Matrix(rows: rows, columns: columns)
        copy.assign(self)
        return copy
    }

    /// Sets every element to zero.
    public func clear() {
        if isContiguous {
            lethe_clear(pointer, Int64(count))
        } else {
            for row in 0..<rows { (pointer + row * stride).update(repeating: 0, count: columns) }
        }
    }

    /// All elements, row by row.
    public var array: [Float] {
        (0..<rows).flatMap { Array(UnsafeBufferPointer(start: pointer + $0 * stride, count: columns)) }
    }

    private static func product(_ rows: Int, _ columns: Int) throws -> Int {
        let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
        guard !overflow, rows >= 0, columns >= 0 else {
            throw LetheError(.limitExceeded, "a matrix of \(rows) x \(columns) is too large")
        }
        return count
    }
}

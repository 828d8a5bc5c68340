import LetheCore

/// A weight of a linear map, [rows = outputs, columns = inputs] as PyTorch stores it, in fp32 or bfloat16.
///
/// Shared between generations of a model until one trains it: whoever writes first calls ``copyForTraining()``.
public final class WeightMatrix {
    /// Outputs.
    public let rows: Int
    /// Inputs.
    public let columns: Int
    private let float32: FloatBuffer?
    private var bfloat16: BFloat16Buffer?
    /// Whether the rounding of fp32 values is kept; not where the model is too large for both.
    private let keepsRounding: Bool

    /// A weight in fp32, which can be trained.
    /// - Precondition: the buffer holds `rows * columns` elements.
    public convenience init(_ buffer: FloatBuffer, rows: Int, columns: Int) {
        self.init(buffer, rows: rows, columns: columns, keepsRounding: true)
    }

    private init(_ buffer: FloatBuffer, rows: Int, columns: Int, keepsRounding: Bool) {
        precondition(buffer.count >= rows * columns, "the buffer is smaller than the weight")
        float32 = buffer
        self.keepsRounding = keepsRounding
        self.rows = rows
        self.columns = columns
    }

    /// A frozen weight in bfloat16.
    /// - Precondition: the buffer holds `rows * columns` elements.
    public init(_ buffer: BFloat16Buffer, rows: Int, columns: Int) {
        precondition(buffer.count >= rows * columns, "the buffer is smaller than the weight")
        float32 = nil
        bfloat16 = buffer
        keepsRounding = false
        self.rows = rows
        self.columns = columns
    }

    /// `rows * columns`.
    public var count: Int { rows * columns }

    /// Whether the weight is kept in fp32.
    public var isFloat32: Bool { float32 != nil }

    /// The fp32 values, for reading and training.
    /// - Throws: `unsupported` for a frozen bfloat16 weight.
    public func values() throws -> UnsafeMutablePointer<Float> {
        guard let float32 else {
            throw LetheError(.unsupported, "a bfloat16 weight is frozen; copy it for training first")
        }
        return float32.pointer
    }

    /// The weight as a matrix that shares its memory.
    /// - Throws: as ``values()``.
    public func matrix() throws -> Matrix {
        guard let float32 else {
            throw LetheError(.unsupported, "a bfloat16 weight is frozen; copy it for training first")
        }
        return Matrix(buffer: float32, rows: rows, columns: columns)
    }

    /// An fp32 copy with memory of its own.
    /// - Throws: `limit_exceeded`.
    public func copyForTraining() throws -> WeightMatrix {
        WeightMatrix(try widened(copying: true), rows: rows, columns: columns, keepsRounding: keepsRounding)
    }

    /// Tells that ``values()`` were written, so that the rounded copy of them is made again.
    public func valuesChanged() {
        if float32 != nil { bfloat16 = nil }
    }

    /// The bits of a frozen bfloat16 weight; nil for one in fp32.
    public var frozenBits: BFloat16Buffer? { float32 == nil ? bfloat16 : nil }

    /// Takes the pages of a mapped weight out of the process's resident memory; they come back with the next use.
    public func releasePages() { frozenBits?.releasePages() }

    /// The values in fp32: the weight's own memory, or a widened copy.
    package func widened(copying: Bool) throws -> FloatBuffer {
        if let float32 { return copying ? try float32.copy() : float32 }
        let wide = try FloatBuffer(count: count)
        bfloat16?.widen(into: wide.pointer)
        return wide
    }

    /// The values in bfloat16, rounded once and kept.
    func narrowed() throws -> BFloat16Buffer {
        if let bfloat16 { return bfloat16 }
        guard let float32 else { throw LetheError(.internalError, "a weight has no values") }
        let narrow = try BFloat16Buffer(rounding: float32.pointer, count: count)
        if keepsRounding { bfloat16 = narrow }
        return narrow
    }

    /// Copies one row to `destination` in fp32.
    /// - Precondition: `0 <= row < rows`.
    public func copyRow(_ row: Int, to destination: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < rows, "row out of range")
        if let float32 {
            destination.update(from: float32.pointer + row * columns, count: columns)
        } else if let bfloat16 {
            for index in 0..<columns {
                destination[index] = Float(bitPattern: UInt32(bfloat16.pointer[row * columns + index]) << 16)
            }
        }
    }
}

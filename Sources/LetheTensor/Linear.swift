import CKernels
import COneDNN
import LetheCore

/// The matrix products of a linear map y = x Wᵀ and of its gradients.
public enum Linear {
    /// y[T, out] (+)= x[T, in] · W[out, in]ᵀ.
    /// - Throws: `limit_exceeded` or `internal` when oneDNN has no memory or no implementation.
    public static func forward(
        _ x: Matrix, _ weight: WeightMatrix, into y: Matrix, accumulate: Bool = false, precision: Precision = .float32
    ) throws {
        precondition(x.columns == weight.columns && y.columns == weight.rows && x.rows == y.rows, "shapes differ")
        try product(
            x, transposeA: false, weight, transposeB: true, rows: x.rows, columns: weight.rows, inner: weight.columns,
            into: y, accumulate: accumulate, precision: precision)
    }

    /// dx[T, in] (+)= dy[T, out] · W[out, in].
    /// - Throws: as ``forward(_:_:into:accumulate:precision:)``.
    public static func backwardInput(
        _ dy: Matrix, _ weight: WeightMatrix, into dx: Matrix, accumulate: Bool = false,
        precision: Precision = .float32
    ) throws {
        precondition(dy.columns == weight.rows && dx.columns == weight.columns && dx.rows == dy.rows, "shapes differ")
        try product(
            dy, transposeA: false, weight, transposeB: false, rows: dy.rows, columns: weight.columns,
            inner: weight.rows, into: dx, accumulate: accumulate, precision: precision)
    }

    /// dW[out, in] += dy[T, out]ᵀ · x[T, in].
    /// - Throws: as ``forward(_:_:into:accumulate:precision:)``.
    public static func backwardWeight(
        _ dy: Matrix, _ x: Matrix, into gradient: Matrix, precision: Precision = .float32
    ) throws {
        precondition(
            gradient.rows == dy.columns && gradient.columns == x.columns && dy.rows == x.rows, "shapes differ")
        guard dy.rows > 0 else { return }
        if precision == .bfloat16 {
            let narrowY = try narrow(dy)
            let narrowX = try narrow(x)
            try multiply(
                UnsafeRawPointer(narrowY.pointer), lda: dy.columns, transposeA: true, UnsafeRawPointer(narrowX.pointer),
                ldb: x.columns, transposeB: false, gradient, inner: dy.rows, accumulate: true, type: LETHE_BF16)
        } else {
            try multiply(
                UnsafeRawPointer(dy.pointer), lda: dy.stride, transposeA: true, UnsafeRawPointer(x.pointer),
                ldb: x.stride, transposeB: false, gradient, inner: dy.rows, accumulate: true, type: LETHE_F32)
        }
    }

    /// c[m, n] (+)= a[m, k] · b[k, n], in fp32.
    /// - Throws: as ``forward(_:_:into:accumulate:precision:)``.
    public static func product(_ a: Matrix, _ b: Matrix, into c: Matrix, accumulate: Bool = false) throws {
        precondition(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns, "shapes differ")
        guard c.rows > 0, c.columns > 0 else { return }
        try multiply(
            UnsafeRawPointer(a.pointer), lda: a.stride, transposeA: false, UnsafeRawPointer(b.pointer), ldb: b.stride,
            transposeB: false, c, inner: a.columns, accumulate: accumulate, type: LETHE_F32)
    }

    /// Rows up to which a forward product in fp32 reads its weight once, as it lies, instead of being oneDNN's: those of
    /// decoding.
    static let narrowRows = Int(lethe_narrow_rows())

    /// Rows from which on a product takes so long that mapping a weight's pages again the next time costs little beside
    /// it. Decoding, with fewer rows, leaves them in the process; training and inspection hold none but the weight's
    /// that is being used.
    private static let releasingRows = 32

    private static func product(
        _ a: Matrix, transposeA: Bool, _ weight: WeightMatrix, transposeB: Bool, rows: Int, columns: Int, inner: Int,
        into c: Matrix, accumulate: Bool, precision: Precision
    ) throws {
        guard rows > 0 else { return }
        if precision == .bfloat16 {
            let narrowA = try narrow(a)
            let narrowW = try weight.narrowed()
            try multiply(
                UnsafeRawPointer(narrowA.pointer), lda: a.columns, transposeA: transposeA,
                UnsafeRawPointer(narrowW.pointer), ldb: weight.columns, transposeB: transposeB, c, inner: inner,
                accumulate: accumulate, type: LETHE_BF16)
            if rows >= releasingRows { weight.frozenBits?.releasePages() }
        } else if transposeB, rows <= narrowRows, weight.isFloat32 {
            lethe_narrow_product(
                c.pointer, Int64(c.stride), a.pointer, Int64(a.stride), try weight.values(), Int64(rows),
                Int64(columns), Int64(inner), accumulate ? 1 : 0)
        } else if let bits = weight.frozenBits {
            try wideningProduct(a, bits, weight, transposeB: transposeB, into: c, accumulate: accumulate)
        } else {
            let wide = try weight.widened(copying: false)
            try multiply(
                UnsafeRawPointer(a.pointer), lda: a.stride, transposeA: transposeA, UnsafeRawPointer(wide.pointer),
                ldb: weight.columns, transposeB: transposeB, c, inner: inner, accumulate: accumulate, type: LETHE_F32)
            withExtendedLifetime(wide) {}
        }
    }

    /// The fp32 product with a frozen bfloat16 weight, which is widened a few rows at a time: the result is that of the
    /// same values in fp32, for a pass over the weight's memory more.
    private static func wideningProduct(
        _ a: Matrix, _ bits: BFloat16Buffer, _ weight: WeightMatrix, transposeB: Bool, into c: Matrix, accumulate: Bool
    ) throws {
        let blockRows = max(1, min(weight.rows, (1 << 22) / max(weight.columns, 1)))
        let block = try Matrix(rows: blockRows, columns: weight.columns)
        for start in stride(from: 0, to: weight.rows, by: blockRows) {
            let rows = min(blockRows, weight.rows - start)
            bits.widen(start * weight.columns..<(start + rows) * weight.columns, into: block.pointer)
            // Forward: each block of rows gives columns of y. Backward: each adds its share to dx.
            let left = transposeB ? a : a.columnRange(start, rows)
            let target = transposeB ? c.columnRange(start, rows) : c
            try multiply(
                UnsafeRawPointer(left.pointer), lda: left.stride, transposeA: false, UnsafeRawPointer(block.pointer),
                ldb: weight.columns, transposeB: transposeB, target, inner: transposeB ? weight.columns : rows,
                accumulate: accumulate || (!transposeB && start > 0), type: LETHE_F32)
        }
        if a.rows >= releasingRows { bits.releasePages() }
    }

    private static func narrow(_ x: Matrix) throws -> BFloat16Buffer {
        let source = x.isContiguous ? x : try x.copy()
        return try BFloat16Buffer(rounding: source.pointer, count: source.count)
    }

    private static func multiply(
        _ a: UnsafeRawPointer, lda: Int, transposeA: Bool, _ b: UnsafeRawPointer, ldb: Int, transposeB: Bool,
        _ c: Matrix, inner: Int, accumulate: Bool, type: lethe_element_type
    ) throws {
        var shape = lethe_gemm_shape()
        shape.m = Int64(c.rows)
        shape.n = Int64(c.columns)
        shape.k = Int64(inner)
        shape.lda = Int64(lda)
        shape.ldb = Int64(ldb)
        shape.ldc = Int64(c.stride)
        shape.transpose_a = transposeA ? 1 : 0
        shape.transpose_b = transposeB ? 1 : 0
        shape.type_ab = Int32(type.rawValue)
        shape.type_c = Int32(LETHE_F32.rawValue)
        shape.accumulate = accumulate ? 1 : 0
        let width = type == LETHE_BF16 ? 2 : 4
        // The dimension that counts tokens: the inner one of a weight gradient, which accumulates, else the rows.
        for piece in pieces(transposeA ? inner : c.rows) {
            var output = c.pointer
            var right = b
            if transposeA {
                shape.k = Int64(piece.count)
                right += piece.lowerBound * ldb * width
            } else {
                shape.m = Int64(piece.count)
                output += piece.lowerBound * c.stride
            }
            let status = lethe_gemm(&shape, a + piece.lowerBound * lda * width, right, output)
            guard status == 0 else {
                let reason = String(cString: lethe_onednn_status(status))
                throw LetheError(
                    status == 1 ? .limitExceeded : .internalError,
                    "matrix product \(c.rows) x \(c.columns) x \(inner): \(reason)")
            }
        }
    }

    /// Cuts a number of tokens into powers of two from 1,024 down to 64 and a rest below 128.
    ///
    /// A primitive costs a thousand times what finding it again does, and the lengths of texts never repeat: this way a
    /// process makes a few hundred of them at most, all in its first requests, whatever lengths come.
    static func pieces(_ tokens: Int) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var start = 0
        while start < tokens {
            var size = tokens - start
            if size >= 128 && (size > 1024 || size.nonzeroBitCount > 1) {
                // What remains is 64 at least, because products of a few rows are slow.
                size = min(1024, 1 << (Int.bitWidth - 1 - (size - 64).leadingZeroBitCount))
            }
            pieces.append(start..<start + size)
            start += size
        }
        return pieces
    }
}

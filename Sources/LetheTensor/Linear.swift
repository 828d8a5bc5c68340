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
        } else {
            let wide = try weight.widened(copying: false)
            try multiply(
                UnsafeRawPointer(a.pointer), lda: a.stride, transposeA: transposeA, UnsafeRawPointer(wide.pointer),
                ldb: weight.columns, transposeB: transposeB, c, inner: inner, accumulate: accumulate, type: LETHE_F32)
            withExtendedLifetime(wide) {}
        }
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
        let status = lethe_gemm(&shape, a, b, c.pointer)
        guard status == 0 else {
            throw LetheError(
                status == 1 ? .limitExceeded : .internalError,
                "matrix product \(c.rows) x \(c.columns) x \(inner): \(String(cString: lethe_onednn_status(status)))")
        }
    }
}

import CKernels
import Foundation
import LetheCore

/// What a gate or an activation computes.
public enum Activation: Int32, Sendable {
    /// x · sigmoid(x).
    case silu = 0
    /// x · Φ(x), by erf.
    case gelu = 1
    /// The tanh approximation of ``gelu``.
    case geluTanh = 2
    /// max(x, 0).
    case relu = 3
}

/// Shape and rules of one attention call.
public struct AttentionShape: Sendable, Equatable {
    /// Query heads; a multiple of the key-value heads.
    public var queryHeads: Int
    /// Key-value heads.
    public var keyValueHeads: Int
    /// Elements of one head.
    public var headSize: Int
    /// Factor of q · k.
    public var scale: Float
    /// Zero, or the bound c of c · tanh(score / c).
    public var softcap: Float = 0
    /// Zero, or how many keys a query sees, its own included.
    public var window = 0
    /// Whether a query sees only its own and earlier keys.
    public var isCausal = true

    /// Creates a shape.
    public init(queryHeads: Int, keyValueHeads: Int, headSize: Int, scale: Float) {
        self.queryHeads = queryHeads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
        self.scale = scale
    }

    func c(_ q: Matrix, _ k: Matrix, _ out: Matrix) -> lethe_attention_shape {
        precondition(
            queryHeads > 0 && keyValueHeads > 0 && queryHeads % keyValueHeads == 0
                && q.columns == queryHeads * headSize && k.columns == keyValueHeads * headSize
                && out.columns == q.columns, "attention shapes differ")
        return lethe_attention_shape(
            query_heads: Int64(queryHeads), kv_heads: Int64(keyValueHeads), head_dim: Int64(headSize),
            q_stride: Int64(q.stride), kv_stride: Int64(k.stride), out_stride: Int64(out.stride), scale: scale,
            softcap: softcap, window: Int64(window), causal: isCausal ? 1 : 0)
    }
}

/// The element-wise and attention operations of the engine over ``Matrix``; shapes are preconditions, as they are the
/// caller's own.
public enum Kernels {
    private static func requireMemory(_ status: Int32) throws {
        guard status == 0 else { throw LetheError(.limitExceeded, "no memory for the attention scratch") }
    }

    /// y = RMSNorm(x) · (weight + offset); keeps 1 / rms of each row in `rstd`. x and y may have strides.
    public static func rmsNorm(
        _ x: Matrix, weight: FloatBuffer, offset: Float, epsilon: Float, into y: Matrix, rstd: FloatBuffer
    ) {
        precondition(weight.count >= x.columns && rstd.count >= x.rows && y.rows == x.rows && y.columns == x.columns)
        lethe_rms_norm_forward(
            y.pointer, rstd.pointer, x.pointer, Int64(x.stride), weight.pointer, offset, epsilon, Int64(x.rows),
            Int64(x.columns), Int64(y.stride))
    }

    /// dx += the gradient of ``rmsNorm(_:weight:offset:epsilon:into:rstd:)``; dweight += likewise when given.
    public static func rmsNormBackward(
        _ dy: Matrix, x: Matrix, weight: FloatBuffer, offset: Float, rstd: FloatBuffer, dx: Matrix,
        dweight: FloatBuffer?
    ) {
        precondition(dy.rows == x.rows && dy.columns == x.columns && dx.rows == x.rows && rstd.count >= x.rows)
        lethe_rms_norm_backward(
            dx.pointer, Int64(dx.stride), dweight?.pointer, dy.pointer, Int64(dy.stride), x.pointer, Int64(x.stride),
            rstd.pointer, weight.pointer, offset, Int64(x.rows), Int64(x.columns))
    }

    /// y = LayerNorm(x) · weight + bias; keeps mean and 1 / std of each row.
    public static func layerNorm(
        _ x: Matrix, weight: FloatBuffer, bias: FloatBuffer?, epsilon: Float, into y: Matrix, mean: FloatBuffer,
        rstd: FloatBuffer
    ) {
        precondition(x.isContiguous && y.isContiguous && y.rows == x.rows && y.columns == x.columns)
        precondition(weight.count >= x.columns && mean.count >= x.rows && rstd.count >= x.rows)
        lethe_layer_norm_forward(
            y.pointer, mean.pointer, rstd.pointer, x.pointer, weight.pointer, bias?.pointer, epsilon, Int64(x.rows),
            Int64(x.columns))
    }

    /// dx += the gradient of ``layerNorm(_:weight:bias:epsilon:into:mean:rstd:)``; the others likewise when given.
    public static func layerNormBackward(
        _ dy: Matrix, x: Matrix, weight: FloatBuffer, mean: FloatBuffer, rstd: FloatBuffer, dx: Matrix,
        dweight: FloatBuffer?, dbias: FloatBuffer?
    ) {
        precondition(dy.isContiguous && x.isContiguous && dx.isContiguous && dy.count == x.count && dx.count == x.count)
        lethe_layer_norm_backward(
            dx.pointer, dweight?.pointer, dbias?.pointer, dy.pointer, x.pointer, mean.pointer, rstd.pointer,
            weight.pointer, Int64(x.rows), Int64(x.columns))
    }

    /// Rotates the first `rotary` elements of each head of x in place; `inverse` gives the transpose.
    public static func rope(
        _ x: Matrix, heads: Int, headSize: Int, rotary: Int, cosine: FloatBuffer, sine: FloatBuffer,
        positions: [Int32], inverse: Bool = false
    ) {
        precondition(x.columns == heads * headSize && rotary <= headSize && rotary % 2 == 0)
        precondition(positions.count == x.rows && cosine.count == sine.count)
        let half = rotary / 2
        precondition(half == 0 || positions.allSatisfy { $0 >= 0 && Int($0) < cosine.count / half })
        lethe_rope(
            x.pointer, Int64(x.stride), Int64(x.rows), Int64(heads), Int64(headSize), Int64(rotary), cosine.pointer,
            sine.pointer, positions, inverse ? -1 : 1)
    }

    /// Attention within segments; `offsets` are the row at which each begins, and the total at the end.
    /// - Throws: `limit_exceeded` without memory for scratch.
    public static func attention(
        q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, offsets: [Int64], into out: Matrix,
        logSumExp: FloatBuffer
    ) throws {
        precondition(k.stride == v.stride && logSumExp.count >= q.rows * shape.queryHeads)
        precondition(offsets.first == 0 && offsets.last == Int64(q.rows) && k.rows == q.rows && v.rows == q.rows)
        var c = shape.c(q, k, out)
        try requireMemory(
            lethe_attention_forward(
                out.pointer, logSumExp.pointer, q.pointer, k.pointer, v.pointer, &c, offsets, Int64(offsets.count - 1)))
    }

    /// Overwrites dq, dk and dv with the gradients of ``attention(q:k:v:shape:offsets:into:logSumExp:)``. They have the
    /// strides of q, k and v; dout that of out.
    /// - Throws: `limit_exceeded` without memory for scratch.
    public static func attentionBackward(
        dout: Matrix, out: Matrix, logSumExp: FloatBuffer, q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape,
        offsets: [Int64], dq: Matrix, dk: Matrix, dv: Matrix
    ) throws {
        precondition(dq.stride == q.stride && dk.stride == k.stride && dv.stride == v.stride && k.stride == v.stride)
        precondition(dout.stride == out.stride && dout.rows == q.rows)
        var c = shape.c(q, k, out)
        try requireMemory(
            lethe_attention_backward(
                dq.pointer, dk.pointer, dv.pointer, dout.pointer, out.pointer, logSumExp.pointer, q.pointer, k.pointer,
                v.pointer, &c, offsets, Int64(offsets.count - 1)))
    }

    /// One new query for each sequence against its cached keys and values, [lengths[i], kvHeads · headSize] each.
    /// - Throws: `limit_exceeded` without memory for scratch.
    public static func attentionDecode(
        q: Matrix, keys: [UnsafePointer<Float>], values: [UnsafePointer<Float>], lengths: [Int64],
        shape: AttentionShape, into out: Matrix
    ) throws {
        precondition(keys.count == q.rows && values.count == q.rows && lengths.count == q.rows)
        precondition(q.columns == shape.queryHeads * shape.headSize && out.columns == q.columns)
        var c = lethe_attention_shape(
            query_heads: Int64(shape.queryHeads), kv_heads: Int64(shape.keyValueHeads), head_dim: Int64(shape.headSize),
            q_stride: Int64(q.stride), kv_stride: 0, out_stride: Int64(out.stride), scale: shape.scale,
            softcap: shape.softcap, window: Int64(shape.window), causal: 1)
        let keyPointers = keys.map { Optional($0) }
        let valuePointers = values.map { Optional($0) }
        try requireMemory(
            lethe_attention_decode(out.pointer, q.pointer, keyPointers, valuePointers, lengths, Int64(q.rows), &c))
    }

    /// out[T, f] = act(gate) · up, gate and up being the halves of gateUp[T, 2f].
    public static func gated(_ gateUp: Matrix, activation: Activation, into out: Matrix) {
        precondition(gateUp.isContiguous && out.isContiguous && gateUp.columns == 2 * out.columns)
        lethe_gated_forward(
            out.pointer, gateUp.pointer, Int64(out.rows), Int64(out.columns), activation.rawValue)
    }

    /// Overwrites gateUp with its gradient; `out`, when given, gets act(gate) · up again.
    public static func gatedBackward(_ dout: Matrix, gateUp: Matrix, activation: Activation, out: Matrix?) {
        precondition(gateUp.isContiguous && dout.isContiguous && gateUp.columns == 2 * dout.columns)
        lethe_gated_backward(
            gateUp.pointer, out?.pointer, dout.pointer, Int64(dout.rows), Int64(dout.columns), activation.rawValue)
    }

    /// y = act(x).
    public static func activate(_ x: Matrix, activation: Activation, into y: Matrix) {
        precondition(x.isContiguous && y.isContiguous && x.count == y.count)
        lethe_activation_forward(y.pointer, x.pointer, Int64(x.count), activation.rawValue)
    }

    /// Overwrites x with its gradient; `out`, when given, gets act(x) again.
    public static func activateBackward(_ dy: Matrix, x: Matrix, activation: Activation, out: Matrix?) {
        precondition(x.isContiguous && dy.isContiguous && x.count == dy.count)
        lethe_activation_backward(x.pointer, out?.pointer, dy.pointer, Int64(x.count), activation.rawValue)
    }

    /// y += x.
    public static func add(_ x: Matrix, to y: Matrix) {
        precondition(x.isContiguous && y.isContiguous && x.count == y.count)
        lethe_add(y.pointer, x.pointer, Int64(x.count))
    }

    /// y *= factor.
    public static func scale(_ y: Matrix, by factor: Float) {
        precondition(y.isContiguous)
        lethe_scale(y.pointer, factor, Int64(y.count))
    }

    /// y += factor · x.
    public static func add(_ x: Matrix, times factor: Float, to y: Matrix) {
        precondition(x.isContiguous && y.isContiguous && x.count == y.count)
        lethe_axpy(y.pointer, factor, x.pointer, Int64(x.count))
    }

    /// Adds `bias` to every row of y.
    public static func addBias(_ bias: FloatBuffer, to y: Matrix) {
        precondition(y.isContiguous && bias.count >= y.columns)
        lethe_add_bias(y.pointer, bias.pointer, Int64(y.rows), Int64(y.columns))
    }

    /// dbias += the sum of the rows of dy.
    public static func biasBackward(_ dy: Matrix, dbias: FloatBuffer) {
        precondition(dbias.count >= dy.columns)
        lethe_bias_backward(dbias.pointer, dy.pointer, Int64(dy.rows), Int64(dy.columns), Int64(dy.stride))
    }

    /// The sum of squares, added up in double.
    public static func sumOfSquares(_ x: Matrix) -> Double {
        precondition(x.isContiguous)
        return sumOfSquares(x.pointer, count: x.count)
    }

    /// The sum of the squares of `count` values, added up in double.
    public static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
        lethe_sum_of_squares(x, Int64(count))
    }

    /// The dot product, added up in double.
    public static func dot(_ x: Matrix, _ y: Matrix) -> Double {
        precondition(x.isContiguous && y.isContiguous && x.count == y.count)
        return lethe_dot(x.pointer, y.pointer, Int64(x.count))
    }

    /// What a block of logits says of its targets.
    public struct LogitStatistics {
        /// -log p(target).
        public var nll: [Float]
        /// log Σ exp(logit), which the backward kernels take.
        public var logSumExp: [Float]
        /// The first token with the largest logit.
        public var argmax: [Int32]
        /// Mean and variance of log p under p itself; empty unless asked for.
        public var mean: [Float] = []
        /// Variance of log p under p itself; empty unless asked for.
        public var variance: [Float] = []

        /// Statistics of no rows.
        public init() {
            nll = []
            logSumExp = []
            argmax = []
        }

        /// Zeros for some rows.
        init(rows: Int) {
            nll = Array(repeating: 0, count: rows)
            logSumExp = Array(repeating: 0, count: rows)
            argmax = Array(repeating: 0, count: rows)
        }
    }

    /// Statistics of logits[rows, V].
    /// - Precondition: every target is in 0 ..< V.
    public static func logitStatistics(_ logits: Matrix, targets: [Int32], moments: Bool = false) -> LogitStatistics {
        precondition(logits.isContiguous && targets.count == logits.rows)
        precondition(targets.allSatisfy { $0 >= 0 && Int($0) < logits.columns }, "target out of range")
        let rows = logits.rows
        var result = LogitStatistics(rows: rows)
        if moments {
            result.mean = Array(repeating: 0, count: rows)
            result.variance = Array(repeating: 0, count: rows)
            lethe_logit_statistics(
                &result.nll, &result.logSumExp, &result.argmax, &result.mean, &result.variance, logits.pointer, targets,
                Int64(rows), Int64(logits.columns))
        } else {
            lethe_logit_statistics(
                &result.nll, &result.logSumExp, &result.argmax, nil, nil, logits.pointer, targets, Int64(rows),
                Int64(logits.columns))
        }
        return result
    }

    /// logits := coefficient · ∂nll/∂logits, row by row.
    public static func crossEntropyBackward(
        _ logits: Matrix, logSumExp: [Float], targets: [Int32], coefficients: [Float]
    ) {
        precondition(logits.isContiguous && logits.rows == targets.count && logits.rows == coefficients.count)
        precondition(logits.rows == logSumExp.count)
        precondition(targets.allSatisfy { $0 >= 0 && Int($0) < logits.columns }, "target out of range")
        lethe_cross_entropy_backward(
            logits.pointer, logSumExp, targets, coefficients, Int64(logits.rows), Int64(logits.columns))
    }

    /// Which divergence from the reference's distribution a keep term measures.
    public enum Divergence: Sendable {
        /// KL(reference ‖ model).
        case kl
        /// The cross-entropy -Σ p_model log p_reference, which the published FIT code uses.
        case reverseCrossEntropy
    }

    /// The divergence of each row; logits := coefficient · its gradient.
    public static func divergence(
        _ kind: Divergence, logits: Matrix, reference: Matrix, coefficients: [Float]
    ) -> [Float] {
        precondition(logits.isContiguous && reference.isContiguous && logits.count == reference.count)
        precondition(coefficients.count == logits.rows)
        var loss = [Float](repeating: 0, count: logits.rows)
        switch kind {
        case .kl:
            lethe_kl_forward_backward(
                &loss, logits.pointer, reference.pointer, coefficients, Int64(logits.rows), Int64(logits.columns))
        case .reverseCrossEntropy:
            lethe_reverse_cross_entropy(
                &loss, logits.pointer, reference.pointer, coefficients, Int64(logits.rows), Int64(logits.columns))
        }
        return loss
    }

    /// The cross-entropy of each row to the distribution of `base` (nil: of the logits themselves) with the target's
    /// logit lowered by `shift`, infinity leaving it out; logits := coefficient · its gradient, none flowing through
    /// that distribution. Overwrites `base`; rows of coefficient 0 have loss 0.
    /// - Precondition: every target is in 0 ..< V.
    public static func shiftedTargetCrossEntropy(
        logits: Matrix, base: Matrix?, targets: [Int32], shift: Float, coefficients: [Float]
    ) -> [Float] {
        precondition(logits.isContiguous && targets.count == logits.rows && coefficients.count == logits.rows)
        precondition(base.map { $0.isContiguous && $0.count == logits.count } ?? true)
        precondition(targets.allSatisfy { $0 >= 0 && Int($0) < logits.columns }, "target out of range")
        var loss = [Float](repeating: 0, count: logits.rows)
        lethe_shifted_target_cross_entropy(
            &loss, logits.pointer, base?.pointer, targets, shift, coefficients, Int64(logits.rows),
            Int64(logits.columns))
        return loss
    }

    /// (max - mean)² of each row of logits; logits := coefficient · its gradient.
    public static func logitSpread(_ logits: Matrix, coefficients: [Float]) -> [Float] {
        precondition(logits.isContiguous && coefficients.count == logits.rows)
        var loss = [Float](repeating: 0, count: logits.rows)
        lethe_logit_spread(&loss, logits.pointer, coefficients, Int64(logits.rows), Int64(logits.columns))
        return loss
    }

    /// x := cap · tanh(x / cap).
    public static func softcap(_ x: Matrix, cap: Float) {
        precondition(x.isContiguous)
        lethe_softcap_forward(x.pointer, cap, Int64(x.count))
    }

    /// dy := its gradient through ``softcap(_:cap:)``, given the capped values y.
    public static func softcapBackward(_ dy: Matrix, y: Matrix, cap: Float) {
        precondition(dy.isContiguous && y.isContiguous && dy.count == y.count)
        lethe_softcap_backward(dy.pointer, y.pointer, cap, Int64(y.count))
    }

    /// The largest dot product of each query with the rows of a bfloat16 memory, [n, dimension] flat.
    /// - Precondition: every query has `dimension` elements and the memory whole rows, at least one.
    public static func largestDotProducts(queries: [[Float]], memory: [UInt16], dimension: Int) -> [Float] {
        precondition(queries.allSatisfy { $0.count == dimension } && dimension > 0 && memory.count % dimension == 0)
        var largest = [Float](repeating: 0, count: queries.count)
        var partial = [Float](repeating: 0, count: queries.count * Engine.threadCount)
        lethe_largest_dot_products(
            &largest, &partial, queries.flatMap { $0 }, Int64(queries.count), memory, Int64(memory.count / dimension),
            Int64(dimension))
        return largest
    }

    /// One AdamW step on `count` elements; `step` counts from 1.
    public static func adamW(
        weight: UnsafeMutablePointer<Float>, m: FloatBuffer, v: FloatBuffer, gradient: UnsafePointer<Float>, count: Int,
        learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float, step: Int
    ) {
        precondition(m.count >= count && v.count >= count && step >= 1)
        lethe_adamw(
            weight, m.pointer, v.pointer, gradient, Int64(count), learningRate, beta1, beta2, epsilon, weightDecay,
            Float(1 - Foundation.pow(Double(beta1), Double(step))),
            Float(1 - Foundation.pow(Double(beta2), Double(step))))
    }
}

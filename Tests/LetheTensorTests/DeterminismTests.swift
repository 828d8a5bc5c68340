import LetheTensor
import LetheTestSupport
import Testing

/// The same input gives the same bytes again; with another number of threads it gives the same bytes from the kernels,
/// and nearly the same values from matrix products.
@Suite struct DeterminismTests {
    /// Runs on a number of threads; the setting belongs to the calling thread and is put back.
    private func on<Result>(threads: Int, _ body: () throws -> Result) rethrows -> Result {
        let before = Engine.threadCount
        Engine.threadCount = threads
        defer { Engine.threadCount = before }
        return try body()
    }

    private static let rows = 150
    private static let columns = 320

    /// Every kernel that shares its work between threads, on enough of it that it does.
    private func kernels() throws -> [String: [Float]] {
        var data = TestData(61)
        let (rows, columns) = (Self.rows, Self.columns)
        func matrix(_ scale: Double = 1) throws -> Matrix {
            try Matrix(data.values(rows * columns, scale: scale), rows: rows, columns: columns)
        }
        var results: [String: [Float]] = [:]
        let weight = try FloatBuffer(data.values(columns))
        let (mean, rstd) = (try FloatBuffer(count: rows), try FloatBuffer(count: rows))
        let (x, y, dx) = (try matrix(), try matrix(), try matrix())
        Kernels.rmsNorm(x, weight: weight, offset: 1, epsilon: 1e-5, into: y, rstd: rstd)
        results["rms norm"] = y.array
        let dweight = try FloatBuffer(zeros: columns)
        Kernels.rmsNormBackward(y, x: x, weight: weight, offset: 1, rstd: rstd, dx: dx, dweight: dweight)
        results["rms norm backward"] = dx.array + dweight.array
        Kernels.layerNorm(x, weight: weight, bias: weight, epsilon: 1e-5, into: y, mean: mean, rstd: rstd)
        results["layer norm"] = y.array
        let dbias = try FloatBuffer(zeros: columns)
        Kernels.layerNormBackward(
            y, x: x, weight: weight, mean: mean, rstd: rstd, dx: dx, dweight: dweight, dbias: dbias)
        results["layer norm backward"] = dx.array + dweight.array + dbias.array

        let shape = AttentionShape(queryHeads: 4, keyValueHeads: 2, headSize: 40, scale: 0.2)
        let offsets: [Int64] = [0, 70, 71, Int64(rows)]
        let qkv = try matrix()
        let (q, k, v) = (qkv.columnRange(0, 160), qkv.columnRange(160, 80), qkv.columnRange(240, 80))
        let out = try Matrix(rows: rows, columns: 160)
        let logSumExp = try FloatBuffer(count: rows * 4)
        try Kernels.attention(q: q, k: k, v: v, shape: shape, offsets: offsets, into: out, logSumExp: logSumExp)
        results["attention"] = out.array + logSumExp.array
        let dqkv = try matrix()
        let (dq, dk, dv) = (dqkv.columnRange(0, 160), dqkv.columnRange(160, 80), dqkv.columnRange(240, 80))
        try Kernels.attentionBackward(
            dout: out, out: out, logSumExp: logSumExp, q: q, k: k, v: v, shape: shape, offsets: offsets, dq: dq, dk: dk,
            dv: dv)
        results["attention backward"] = dqkv.array

        for kind in ActivationTests.kinds {
            let gateUp = try matrix()
            let activated = try Matrix(rows: rows, columns: columns / 2)
            Kernels.gated(gateUp, activation: kind, into: activated)
            results["gated \(kind)"] = activated.array
            Kernels.gatedBackward(out, gateUp: gateUp, activation: kind, out: nil)
            results["gated \(kind) backward"] = gateUp.array
            let plain = try matrix()
            Kernels.activateBackward(x, x: plain, activation: kind, out: y)
            results["plain \(kind) backward"] = plain.array + y.array
        }
        let logits = try matrix(3)
        let targets = data.indices(rows, below: columns)
        let statistics = Kernels.logitStatistics(logits, targets: targets, moments: true)
        results["statistics"] = statistics.nll + statistics.logSumExp + statistics.mean + statistics.variance
        let coefficients = data.values(rows)
        for kind in [Kernels.Divergence.kl, .reverseCrossEntropy] {
            let copy = try logits.copy()
            let loss = Kernels.divergence(kind, logits: copy, reference: x, coefficients: coefficients)
            results["divergence \(kind)"] = loss + copy.array
        }
        Kernels.crossEntropyBackward(
            logits, logSumExp: statistics.logSumExp, targets: targets, coefficients: coefficients)
        results["cross-entropy backward"] = logits.array
        Kernels.biasBackward(logits, dbias: dbias)
        results["bias"] = dbias.array
        results["sum of squares"] = [Float(Kernels.sumOfSquares(x))]
        let memory = (0..<2000 * 16).map { UInt16(truncatingIfNeeded: 0x3C00 + ($0 * 7919) % 512) }
        results["search"] = Kernels.largestDotProducts(
            queries: [data.values(16), data.values(16)], memory: memory, dimension: 16)
        let (m, second) = (try FloatBuffer(zeros: x.count), try FloatBuffer(zeros: x.count))
        Kernels.adamW(
            weight: x.pointer, m: m, v: second, gradient: dx.pointer, count: x.count, learningRate: 0.1, beta1: 0.9,
            beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, step: 1)
        results["adamw"] = x.array + m.array + second.array
        return results
    }

    @Test func `kernels repeat themselves on any number of threads`() throws {
        let once = try on(threads: 1) { try kernels() }
        #expect(once.count == 26)
        for threads in [1, 2, 3] {
            let again = try on(threads: threads) { try kernels() }
            for (name, values) in once { #expect(again[name] == values, "\(name) on \(threads) threads") }
        }
    }

    @Test func `matrix products repeat themselves`() throws {
        var data = TestData(62)
        let (rows, columns, outputs) = (Self.rows, Self.columns, 200)
        let x = try Matrix(data.values(rows * columns), rows: rows, columns: columns)
        let dy = try Matrix(data.values(rows * outputs), rows: rows, columns: outputs)
        let weight = WeightMatrix(try FloatBuffer(data.values(outputs * columns)), rows: outputs, columns: columns)
        let precisions = Engine.hasBFloat16 ? Precision.allCases : [.float32]
        func products(_ precision: Precision) throws -> [Float] {
            let y = try Matrix(rows: rows, columns: outputs)
            try Linear.forward(x, weight, into: y, precision: precision)
            let dx = try Matrix(rows: rows, columns: columns)
            try Linear.backwardInput(dy, weight, into: dx, precision: precision)
            let dw = try Matrix(zeros: outputs, columns: columns)
            try Linear.backwardWeight(dy, x, into: dw, precision: precision)
            return y.array + dx.array + dw.array
        }
        for precision in precisions {
            let once = try on(threads: 1) { try products(precision) }
            #expect(try on(threads: 1) { try products(precision) } == once)
            let two = try on(threads: 2) { try products(precision) }
            #expect(try on(threads: 2) { try products(precision) } == two)
            #expect(Closeness.mismatch(two, once, ofScale: 1e-5) == nil)
        }
    }
}

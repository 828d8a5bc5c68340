import LetheTensor
import LetheTestSupport
import Testing

@Suite struct AttentionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var heads: Int
        var keyValueHeads: Int
        var headSize: Int
        var lengths: [Int]
        var window = 0
        var softcap: Float = 0
        var isCausal = true

        var testDescription: String {
            "\(heads)/\(keyValueHeads) heads of \(headSize), \(lengths), window \(window), softcap \(softcap), \(isCausal)"
        }

        var shape: AttentionShape {
            var shape = AttentionShape(
                queryHeads: heads, keyValueHeads: keyValueHeads, headSize: headSize, scale: 0.3)
            shape.window = window
            shape.softcap = softcap
            shape.isCausal = isCausal
            return shape
        }

        var offsets: [Int64] { lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + Int64($1)) } }
        var rows: Int { lengths.reduce(0, +) }
    }

    static let cases = [
        Case(heads: 1, keyValueHeads: 1, headSize: 1, lengths: [1]),
        Case(heads: 1, keyValueHeads: 1, headSize: 3, lengths: [2, 1]),
        Case(heads: 4, keyValueHeads: 2, headSize: 8, lengths: [0, 5, 0, 3, 0]),
        Case(heads: 4, keyValueHeads: 1, headSize: 10, lengths: [17, 1, 33]),
        Case(heads: 2, keyValueHeads: 2, headSize: 16, lengths: [70]),
        Case(heads: 6, keyValueHeads: 3, headSize: 20, lengths: [66, 65], window: 16),
        Case(heads: 4, keyValueHeads: 2, headSize: 12, lengths: [80, 7], window: 17, softcap: 1.5),
        Case(heads: 3, keyValueHeads: 1, headSize: 5, lengths: [64, 63], window: 1),
        Case(heads: 2, keyValueHeads: 1, headSize: 33, lengths: [130], window: 40),
        Case(heads: 2, keyValueHeads: 1, headSize: 8, lengths: [9, 4], window: 100, softcap: 0.5),
        Case(heads: 2, keyValueHeads: 2, headSize: 7, lengths: [9, 70], isCausal: false),
        Case(heads: 2, keyValueHeads: 1, headSize: 64, lengths: [129], softcap: 2),
    ]

    private struct Inputs {
        var queryKeyValue: Strided
        let q: [Float]
        let k: [Float]
        let v: [Float]

        init(_ test: Case, _ data: inout TestData) throws {
            let querySize = test.heads * test.headSize
            let keySize = test.keyValueHeads * test.headSize
            let columns = querySize + 2 * keySize
            // As the decoder has them: columns of one wider matrix.
            queryKeyValue = try Strided(
                data.values(test.rows * columns, scale: 1.5), rows: test.rows, columns: columns, before: 2, after: 3)
            q = queryKeyValue.part.columnRange(0, querySize).array
            k = queryKeyValue.part.columnRange(querySize, keySize).array
            v = queryKeyValue.part.columnRange(querySize + keySize, keySize).array
        }

        func split(_ matrix: Matrix, _ test: Case) -> (q: Matrix, k: Matrix, v: Matrix) {
            let querySize = test.heads * test.headSize
            let keySize = test.keyValueHeads * test.headSize
            return (
                matrix.columnRange(0, querySize), matrix.columnRange(querySize, keySize),
                matrix.columnRange(querySize + keySize, keySize)
            )
        }
    }

    @Test(arguments: cases)
    func `forward is the formula`(test: Case) throws {
        var data = TestData(21)
        let inputs = try Inputs(test, &data)
        let (q, k, v) = inputs.split(inputs.queryKeyValue.part, test)
        let columns = test.heads * test.headSize
        let out = try Strided(
            Array(repeating: .nan, count: test.rows * columns), rows: test.rows, columns: columns, before: 1, after: 2)
        let logSumExp = try FloatBuffer(count: test.rows * test.heads)
        try Kernels.attention(
            q: q, k: k, v: v, shape: test.shape, offsets: test.offsets, into: out.part, logSumExp: logSumExp)
        let expected = Naive.attention(
            inputs.q.doubles, inputs.k.doubles, inputs.v.doubles, shape: test.shape, offsets: test.offsets)
        let tolerance = Tolerance(absolute: 5e-6, relative: 1e-5)
        #expect(Closeness.mismatch(out.part.array, expected.out, tolerance, "out") == nil)
        #expect(Closeness.mismatch(logSumExp.array, expected.logSumExp, tolerance, "log-sum-exp") == nil)
        #expect(out.isIntact && inputs.queryKeyValue.isIntact)
    }

    @Test(arguments: cases)
    func `backward is the derivative`(test: Case) throws {
        var data = TestData(22)
        let inputs = try Inputs(test, &data)
        let (q, k, v) = inputs.split(inputs.queryKeyValue.part, test)
        let columns = test.heads * test.headSize
        let out = try Matrix(rows: test.rows, columns: columns)
        let logSumExp = try FloatBuffer(count: test.rows * test.heads)
        try Kernels.attention(
            q: q, k: k, v: v, shape: test.shape, offsets: test.offsets, into: out, logSumExp: logSumExp)
        let dout = data.values(test.rows * columns)
        let gradients = try Strided(
            Array(repeating: .nan, count: inputs.queryKeyValue.part.count), rows: test.rows,
            columns: inputs.queryKeyValue.part.columns, before: 2, after: 3)
        let (dq, dk, dv) = inputs.split(gradients.part, test)
        try Kernels.attentionBackward(
            dout: Matrix(dout, rows: test.rows, columns: columns), out: out, logSumExp: logSumExp, q: q, k: k, v: v,
            shape: test.shape, offsets: test.offsets, dq: dq, dk: dk, dv: dv)
        #expect(gradients.isIntact)
        func loss(_ q: [Double], _ k: [Double], _ v: [Double]) -> Double {
            dotProduct(Naive.attention(q, k, v, shape: test.shape, offsets: test.offsets).out, dout)
        }
        let tolerance = Tolerance(absolute: 3e-5, relative: 1e-4)
        let (qs, ks, vs) = (inputs.q.doubles, inputs.k.doubles, inputs.v.doubles)
        var places = data.places(16, in: qs.count)
        #expect(
            Closeness.mismatch(
                places.map { dq.array[$0] }, FiniteDifference.gradient(qs, at: places) { loss($0, ks, vs) }, tolerance,
                "dq") == nil)
        places = data.places(16, in: ks.count)
        #expect(
            Closeness.mismatch(
                places.map { dk.array[$0] }, FiniteDifference.gradient(ks, at: places) { loss(qs, $0, vs) }, tolerance,
                "dk") == nil)
        #expect(
            Closeness.mismatch(
                places.map { dv.array[$0] }, FiniteDifference.gradient(vs, at: places) { loss(qs, ks, $0) }, tolerance,
                "dv") == nil)
        #expect(
            dq.array.allSatisfy { $0.isFinite } && dk.array.allSatisfy { $0.isFinite }
                && dv.array.allSatisfy { $0.isFinite })
    }

    @Test(arguments: cases.filter { $0.isCausal && !$0.lengths.contains(0) })
    func `decoding is the last row`(test: Case) throws {
        var data = TestData(23)
        let inputs = try Inputs(test, &data)
        let expected = Naive.attention(
            inputs.q.doubles, inputs.k.doubles, inputs.v.doubles, shape: test.shape, offsets: test.offsets
        ).out
        let columns = test.heads * test.headSize
        let keySize = test.keyValueHeads * test.headSize
        let last = test.offsets.dropFirst().map { Int($0) - 1 }
        let q = try Strided(
            last.flatMap { inputs.q[$0 * columns..<($0 + 1) * columns] }, rows: last.count, columns: columns, before: 1,
            after: 4)
        let keys = try FloatBuffer(inputs.k)
        let values = try FloatBuffer(inputs.v)
        let starts = test.offsets.dropLast().map { Int($0) * keySize }
        let out = try Strided(
            Array(repeating: .nan, count: last.count * columns), rows: last.count, columns: columns, before: 2, after: 1
        )
        try Kernels.attentionDecode(
            q: q.part, keys: starts.map { UnsafePointer(keys.pointer + $0) },
            values: starts.map { UnsafePointer(values.pointer + $0) }, lengths: test.lengths.map(Int64.init),
            shape: test.shape, into: out.part)
        withExtendedLifetime((keys, values)) {}
        #expect(
            Closeness.mismatch(
                out.part.array, last.flatMap { expected[$0 * columns..<($0 + 1) * columns] },
                Tolerance(absolute: 5e-6, relative: 1e-5)) == nil)
        #expect(out.isIntact)
    }

    @Test func `nothing but empty segments is no work`() throws {
        let empty = try Matrix(rows: 0, columns: 4)
        let shape = AttentionShape(queryHeads: 2, keyValueHeads: 2, headSize: 2, scale: 1)
        let logSumExp = try FloatBuffer(count: 0)
        for offsets in [[0], [0, 0, 0]] as [[Int64]] {
            try Kernels.attention(
                q: empty, k: empty, v: empty, shape: shape, offsets: offsets, into: empty, logSumExp: logSumExp)
            try Kernels.attentionBackward(
                dout: empty, out: empty, logSumExp: logSumExp, q: empty, k: empty, v: empty, shape: shape,
                offsets: offsets, dq: empty, dk: empty, dv: empty)
        }
    }

    @Test func `large scores do not overflow`() throws {
        let shape = AttentionShape(queryHeads: 1, keyValueHeads: 1, headSize: 2, scale: 1)
        let q = try Matrix([100, 100, 100, 100], rows: 2, columns: 2)
        let k = try Matrix([-90, -90, 90, 90], rows: 2, columns: 2)
        let v = try Matrix([1, 2, 3, 4], rows: 2, columns: 2)
        let out = try Matrix(rows: 2, columns: 2)
        try Kernels.attention(
            q: q, k: k, v: v, shape: shape, offsets: [0, 2], into: out, logSumExp: FloatBuffer(count: 2))
        #expect(out.array == [1, 2, 3, 4])
    }
}

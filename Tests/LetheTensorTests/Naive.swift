import Foundation
import LetheTensor

/// Every operation once more in Double, as plainly as its formula.
enum Naive {
    static func product(_ a: [Double], _ b: [Double], m: Int, n: Int, k: Int, transposeA: Bool, transposeB: Bool)
        -> [Double]
    {
        var c = [Double](repeating: 0, count: m * n)
        for i in 0..<m {
            for j in 0..<n {
                for p in 0..<k {
                    c[i * n + j] +=
                        (transposeA ? a[p * m + i] : a[i * k + p]) * (transposeB ? b[j * k + p] : b[p * n + j])
                }
            }
        }
        return c
    }

    static func rmsNorm(_ x: [Double], weight: [Double], offset: Double, epsilon: Double) -> [Double] {
        let d = weight.count
        return (0..<x.count / d).flatMap { row -> [Double] in
            let values = x[row * d..<(row + 1) * d]
            let rstd = 1 / (values.reduce(0) { $0 + $1 * $1 } / Double(d) + epsilon).squareRoot()
            return zip(values, weight).map { $0 * rstd * ($1 + offset) }
        }
    }

    static func layerNorm(_ x: [Double], weight: [Double], bias: [Double]?, epsilon: Double) -> [Double] {
        let d = weight.count
        return (0..<x.count / d).flatMap { row -> [Double] in
            let values = Array(x[row * d..<(row + 1) * d])
            let mean = values.reduce(0, +) / Double(d)
            let rstd = 1 / (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(d) + epsilon).squareRoot()
            return (0..<d).map { (values[$0] - mean) * rstd * weight[$0] + (bias?[$0] ?? 0) }
        }
    }

    static func rope(
        _ x: [Double], heads: Int, headSize: Int, rotary: Int, cosine: [Double], sine: [Double], positions: [Int32]
    ) -> [Double] {
        var y = x
        let half = rotary / 2
        for row in positions.indices {
            for head in 0..<heads {
                for pair in 0..<half {
                    let place = (row * heads + head) * headSize + pair
                    let angle = Int(positions[row]) * half + pair
                    y[place] = x[place] * cosine[angle] - x[place + half] * sine[angle]
                    y[place + half] = x[place + half] * cosine[angle] + x[place] * sine[angle]
                }
            }
        }
        return y
    }

    static func attention(_ q: [Double], _ k: [Double], _ v: [Double], shape: AttentionShape, offsets: [Int64])
        -> (out: [Double], logSumExp: [Double])
    {
        let rows = Int(offsets[offsets.count - 1])
        let d = shape.headSize
        let group = shape.queryHeads / shape.keyValueHeads
        var out = [Double](repeating: 0, count: rows * shape.queryHeads * d)
        var logSumExp = [Double](repeating: 0, count: rows * shape.queryHeads)
        for segment in 0..<offsets.count - 1 {
            let range = Int(offsets[segment])..<Int(offsets[segment + 1])
            for row in range {
                let seen = range.filter { key in
                    (!shape.isCausal || key <= row) && (shape.window == 0 || key > row - shape.window)
                }
                for head in 0..<shape.queryHeads {
                    let query = (row * shape.queryHeads + head) * d
                    func place(_ key: Int) -> Int { (key * shape.keyValueHeads + head / group) * d }
                    let scores = seen.map { key -> Double in
                        let dot = (0..<d).reduce(0.0) { $0 + q[query + $1] * k[place(key) + $1] }
                        let scaled = dot * Double(shape.scale)
                        return shape.softcap > 0 ? Double(shape.softcap) * tanh(scaled / Double(shape.softcap)) : scaled
                    }
                    let max = scores.max() ?? 0
                    let sum = scores.reduce(0) { $0 + exp($1 - max) }
                    logSumExp[row * shape.queryHeads + head] = max + log(sum)
                    for (key, score) in zip(seen, scores) {
                        let p = exp(score - max) / sum
                        for i in 0..<d { out[query + i] += p * v[place(key) + i] }
                    }
                }
            }
        }
        return (out, logSumExp)
    }

    static func activate(_ x: Double, _ activation: Activation) -> Double {
        switch activation {
        case .silu: x / (1 + exp(-x))
        case .gelu: 0.5 * x * erfc(-x / 2.0.squareRoot())
        case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .relu: max(x, 0)
        }
    }

    /// gateUp is [rows, 2 f], gate before up.
    static func gated(_ gateUp: [Double], f: Int, _ activation: Activation) -> [Double] {
        (0..<gateUp.count / (2 * f)).flatMap { row in
            (0..<f).map { activate(gateUp[row * 2 * f + $0], activation) * gateUp[row * 2 * f + f + $0] }
        }
    }

    static func logSoftmax(_ x: [Double]) -> [Double] {
        let max = x.max() ?? 0
        let lse = max + log(x.reduce(0) { $0 + exp($1 - max) })
        return x.map { $0 - lse }
    }

    static func kl(_ logits: [Double], reference: [Double]) -> Double {
        let p = logSoftmax(logits)
        return zip(logSoftmax(reference), p).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    }

    static func reverseCrossEntropy(_ logits: [Double], reference: [Double]) -> Double {
        zip(logSoftmax(reference), logSoftmax(logits)).reduce(0) { $0 - exp($1.1) * log(exp($1.0) + 1e-12) }
    }
}

import LetheCore
import LetheTensor

extension Decoder {
    /// The final hidden state of one new token for each cached sequence, [sequences, hidden].
    /// - Throws: `bad_data` for a token outside the vocabulary, `limit_exceeded` for a full cache.
    public func step(_ tokens: [Int32], caches: [KeyValueCache]) throws -> Matrix {
        let positions = caches.map { Int32(clamping: $0.length) }
        guard positions.allSatisfy({ Int($0) < configuration.maximumPositions }) else {
            throw LetheError(.limitExceeded, "the model's limit of \(configuration.maximumPositions) tokens is reached")
        }
        let batch = PackedBatch(tokens: tokens, positions: positions)
        var x = try embed(batch)
        for index in 0..<configuration.layerCount {
            let layer = weights.layers[index]
            let normed = try Matrix(rows: x.rows, columns: x.columns)
            _ = try applyNorm(layer.attentionNorm, x, into: normed)
            let queryKeyValue = try projectQueryKeyValue(index, normed, positions: positions, tape: nil)
            let (q, k, v) = split(queryKeyValue)
            for (row, cache) in caches.enumerated() {
                try cache.append(layer: index, keys: k.rowRange(row, 1), values: v.rowRange(row, 1))
            }
            let views = caches.map { $0.view(index) }
            let attended = try Matrix(rows: x.rows, columns: q.columns)
            try Kernels.attentionDecode(
                q: q, keys: views.map(\.keys), values: views.map(\.values), lengths: views.map { Int64($0.length) },
                shape: attentionShape(index), into: attended)
            x = try finishLayer(layer, x, normed: normed, attended: attended, tape: nil)
        }
        return x
    }
}

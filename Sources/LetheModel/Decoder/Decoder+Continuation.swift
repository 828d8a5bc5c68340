import LetheCore
import LetheTensor

extension Decoder {
    /// Continues prompts side by side, token by token, over key-value caches.
    ///
    /// - Parameters:
    ///   - prompts: at least one token each.
    ///   - maximumNewTokens: room in the caches after each prompt; at least 1.
    ///   - prefilled: called once with the final hidden states of all prompts, [T, hidden].
    ///   - next: called with the final hidden state of each sequence that goes on, [n, hidden], and which sequences
    ///     those are; gives the next token of each, or nil for one that ends here.
    /// - Throws: `bad_data` for a token outside the vocabulary, `limit_exceeded` for a prompt that leaves no room, and
    ///   what the closures throw.
    func continuePrompts(
        _ prompts: [[Int32]], maximumNewTokens: Int, prefilled: (Matrix, PackedBatch) throws -> Void = { _, _ in },
        next: (_ state: Matrix, _ sequences: [Int]) throws -> [Int32?]
    ) throws {
        let batch = PackedBatch(prompts)
        let caches = try prompts.map {
            try KeyValueCache(configuration: configuration, capacity: $0.count + maximumNewTokens)
        }
        let hidden = try forward(embed(batch), batch: batch, layers: 0..<configuration.layerCount, caches: caches)
        try prefilled(hidden, batch)
        var state = try Matrix(rows: prompts.count, columns: hidden.columns)
        for sequence in prompts.indices {
            state.rowRange(sequence, 1).assign(hidden.rowRange(batch.rows(sequence).upperBound - 1, 1))
        }
        var active = Array(prompts.indices)
        while true {
            let going = zip(active, try next(state, active)).compactMap { sequence, token in
                token.map { (sequence: sequence, token: $0) }
            }
            active = going.map(\.sequence)
            if active.isEmpty { return }
            state = try step(going.map(\.token), caches: active.map { caches[$0] })
        }
    }
}

import LetheModel
import LetheTensor

/// The states of sequences at the lowest layer that a request trains. Nothing below it changes, so each is made once
/// and serves every step.
public final class PrefixCache {
    private let decoder: Decoder
    /// Layers below this one are frozen.
    public let lowestLayer: Int
    private var states: [[Int32]: Matrix] = [:]
    private var keptElements = 0
    private let elementLimit: Int

    /// An empty cache that holds at most `byteLimit` bytes of states.
    public init(_ decoder: Decoder, lowestLayer: Int, byteLimit: Int = 512 << 20) {
        self.decoder = decoder
        self.lowestLayer = lowestLayer
        elementLimit = byteLimit / 4
    }

    /// The state of a batch before ``lowestLayer``, [T, hidden].
    /// - Throws: `limit_exceeded`, `bad_data` for a batch that does not fit the model.
    public func state(_ batch: PackedBatch) throws -> Matrix {
        if lowestLayer == 0 { return try decoder.embed(batch) }
        let sequences = (0..<batch.sequenceCount).map { Array(batch.tokens[batch.rows($0)]) }
        let missing = Set(sequences).subtracting(states.keys).sorted { $0.lexicographicallyPrecedes($1) }
        var fresh: [[Int32]: Matrix] = [:]
        if !missing.isEmpty {
            let missingBatch = PackedBatch(missing)
            let computed = try decoder.forward(
                decoder.embed(missingBatch), batch: missingBatch, layers: 0..<lowestLayer)
            for (index, sequence) in missing.enumerated() {
                let rows = missingBatch.rows(index)
                fresh[sequence] = try computed.rowRange(rows.lowerBound, rows.count).copy()
            }
        }
        let state = try Matrix(rows: batch.rowCount, columns: decoder.configuration.hiddenSize)
        for (index, sequence) in sequences.enumerated() {
            guard let part = fresh[sequence] ?? states[sequence] else { continue }
            state.rowRange(batch.rows(index).lowerBound, part.rows).assign(part)
        }
        for (sequence, part) in fresh where keptElements + part.count <= elementLimit {
            states[sequence] = part
            keptElements += part.count
        }
        return state
    }
}

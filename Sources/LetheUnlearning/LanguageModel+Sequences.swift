import LetheModel
import LetheTensor

extension LanguageModel {
    /// -log p of the counted tokens of some sequences.
    /// - Throws: `limit_exceeded`, `bad_data` for sequences that do not fit the model.
    package func nll(of sequences: [TrainingSequence]) throws -> [[Float]] {
        let batch = PackedBatch(sequences.map(\.ids))
        let rows = try statistics(batch).nll
        return sequences.enumerated().map { index, sequence in
            sequence.targetRows.map { rows[batch.rows(index).lowerBound + $0] }
        }
    }

    /// The states of a sequence after a layer, from 0, or after the last for nil, [tokens, hidden]; before the final
    /// norm.
    /// - Throws: as ``nll(of:)``.
    package func states(of sequence: TrainingSequence, throughLayer layer: Int?) throws -> Matrix {
        let batch = PackedBatch([sequence.ids])
        return try decoder.forward(
            decoder.embed(batch), batch: batch, layers: 0..<(layer.map { $0 + 1 } ?? configuration.layerCount))
    }
}

import LetheModel
import LetheTensor

extension LanguageModel {
    /// -log p of the counted tokens of some sequences.
    /// - Throws: `limit_exceeded`, `bad_data` for sequences that do not fit the model.
    func nll(of sequences: [TrainingSequence]) throws -> [[Float]] {
        let batch = PackedBatch(sequences.map(\.ids))
        let rows = try statistics(batch).nll
        return sequences.enumerated().map { index, sequence in
            sequence.targetRows.map { rows[batch.rows(index).lowerBound + $0] }
        }
    }
}

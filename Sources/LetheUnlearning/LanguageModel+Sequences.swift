import LetheModel
import LetheTensor

extension LanguageModel {
    /// What the model says of the counted tokens of some sequences.
    /// - Throws: `limit_exceeded`, `bad_data` for sequences that do not fit the model.
    package func statistics(of sequences: [TrainingSequence]) throws -> BatchStatistics {
        let batch = PackedBatch(sequences.map(\.ids))
        return BatchStatistics(try statistics(batch), batch, sequences)
    }

    /// -log p of the counted tokens of some sequences.
    /// - Throws: as ``statistics(of:)``.
    package func nll(of sequences: [TrainingSequence]) throws -> [[Float]] { try statistics(of: sequences).nll }

    /// What the model says of the counted tokens of some sequences, and the final states of each, [tokens, hidden],
    /// before the final norm.
    /// - Throws: as ``statistics(of:)``.
    func statisticsAndStates(of sequences: [TrainingSequence]) throws -> (BatchStatistics, [Matrix]) {
        let batch = PackedBatch(sequences.map(\.ids))
        let hidden = try decoder.forward(
            decoder.embed(batch), batch: batch, layers: 0..<configuration.layerCount)
        let rows = try OutputHead(decoder, hidden: hidden).statistics(targets: batch.nextTokens)
        let states = sequences.indices.map { hidden.rowRange(batch.rows($0).lowerBound, batch.rows($0).count) }
        return (BatchStatistics(rows, batch, sequences), states)
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

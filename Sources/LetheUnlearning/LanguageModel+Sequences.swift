import LetheModel
import LetheTensor

extension LanguageModel {
    /// What the model says of the counted tokens of some sequences.
    /// - Throws: `limit_exceeded`, `bad_data` for sequences that do not fit the model.
    package func statistics(of sequences: [TrainingSequence]) throws -> BatchStatistics {
        try statisticsAndStates(of: sequences).0
    }

    /// -log p of the counted tokens of some sequences, any number of them.
    /// - Throws: as ``statistics(of:)``.
    package func nll(of sequences: [TrainingSequence]) throws -> [[Float]] {
        try sequences.batches(tokens: Self.batchTokens).flatMap { try statistics(of: $0).nll }
    }

    /// Tokens of one forward pass where there may be many sequences.
    private static var batchTokens: Int { 2048 }

    /// What the model says of the counted tokens of some sequences, and the final states of each, [tokens, hidden],
    /// before the final norm.
    /// - Throws: as ``statistics(of:)``.
    func statisticsAndStates(of sequences: [TrainingSequence]) throws -> (BatchStatistics, [Matrix]) {
        let batch = PackedBatch(sequences.map(\.ids))
        let hidden = try decoder.forward(
            decoder.embed(batch), batch: batch, layers: 0..<configuration.layerCount)
        let counted = CountedRows(batch, sequences)
        let rows = try OutputHead(decoder, hidden: counted.of(hidden)).statistics(targets: counted.targets)
        let states = sequences.indices.map { hidden.rowRange(batch.rows($0).lowerBound, batch.rows($0).count) }
        return (BatchStatistics(rows, counted), states)
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

import LetheCore
import LetheModel
import LetheTensor

/// The loss of a text with each decoder layer removed in turn (FIT, targeting).
///
/// A layer whose parameters are all zero is the identity, so removing one is skipping it. The variants share their
/// prefix: the state without any layer removed is carried up once, and at each layer one more variant joins the batch.
/// That costs about half of L + 1 forward passes, in products that grow with the batch.
public enum LayerMasking {
    /// Tokens of the text that are used, as published.
    public static let tokenLimit = 128

    /// Rows that pass a layer at once: enough for products at full speed, and few enough that the buffers of one group
    /// serve the next.
    private static let groupRows = 512

    /// Mean NLL as it is, and without each layer.
    public struct Result: Sendable, Equatable {
        /// Of the whole model.
        public var loss: Double
        /// [layers].
        public var maskedLosses: [Double]

        /// |loss without the layer - loss|, which the published procedure ranks by.
        public var changes: [Double] { maskedLosses.map { abs($0 - loss) } }
    }

    /// Measures the first ``tokenLimit`` tokens of a sequence.
    /// - Throws: `bad_data` for fewer than two tokens or one outside the vocabulary, `limit_exceeded`.
    public static func measure(_ model: LanguageModel, _ sequence: TrainingSequence) throws -> Result {
        let decoder = model.decoder
        var ids = Array(sequence.ids.prefix(tokenLimit))
        var first = sequence.firstTarget
        if first >= ids.count {
            // The prompt alone is longer than the limit: keep the tokens that count instead.
            ids = Array(sequence.ids.suffix(tokenLimit))
            first = max(1, ids.count - sequence.targetCount)
        }
        let window = TrainingSequence(ids: ids, firstTarget: first)
        guard window.targetCount > 0 else {
            throw LetheError(.badData, "the text has no token whose prediction counts")
        }
        // Buffers of these sizes serve nothing before or after: without this, those of all phases would add up.
        BufferPool.shared.trim()
        defer { BufferPool.shared.trim() }
        let rows = ids.count
        let layers = decoder.configuration.layerCount
        // All variants one below the other, first the whole model's.
        let state = try Matrix(rows: rows * (layers + 1), columns: decoder.configuration.hiddenSize)
        state.rowRange(0, rows).assign(try decoder.embed(PackedBatch([ids])))
        let groupSize = max(1, groupRows / rows)
        for index in 0..<layers {
            // The variant that skips this layer leaves it as the whole model's enters it.
            state.rowRange((index + 1) * rows, rows).assign(state.rowRange(0, rows))
            for start in stride(from: 0, through: index, by: groupSize) {
                let batch = PackedBatch(Array(repeating: ids, count: min(groupSize, index + 1 - start)))
                let group = state.rowRange(start * rows, batch.rowCount)
                group.assign(try decoder.forwardLayer(index, group, batch: batch))
            }
        }
        // Only rows whose prediction counts go through the output head.
        let variants = Array(repeating: window, count: layers + 1)
        let counted = CountedRows(PackedBatch(variants.map(\.ids)), variants)
        let head = try OutputHead(decoder, hidden: counted.of(state), blockRows: groupRows)
        let statistics = BatchStatistics(try head.statistics(targets: counted.targets), counted)
        let losses = variants.indices.map { statistics.meanNLL($0) }
        return Result(loss: losses[0], maskedLosses: Array(losses.dropFirst()))
    }
}

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
        let rows = ids.count
        let layers = decoder.configuration.layerCount
        var state = try decoder.embed(PackedBatch([ids]))
        for index in 0..<layers {
            let batch = PackedBatch(Array(repeating: ids, count: index + 1))
            let next = try decoder.forwardLayer(index, state, batch: batch)
            let joined = try Matrix(rows: rows * (index + 2), columns: state.columns)
            joined.rowRange(0, next.rows).assign(next)
            joined.rowRange(next.rows, rows).assign(state.rowRange(0, rows))
            state = joined
            // The batch grows with every layer, so no buffer given back is large enough for the next.
            if index % 6 == 5 { BufferPool.shared.trim() }
        }
        // Only rows whose prediction counts go through the output head.
        let counted = window.targetRows
        let kept = try Matrix(rows: counted.count * (layers + 1), columns: state.columns)
        for variant in 0...layers {
            kept.rowRange(variant * counted.count, counted.count)
                .assign(state.rowRange(variant * rows + counted.lowerBound, counted.count))
        }
        let targets = (0...layers).flatMap { _ in counted.map { Optional(ids[$0 + 1]) } }
        let nll = try OutputHead(decoder, hidden: kept).statistics(targets: targets).nll
        let losses = (0...layers).map { variant in
            nll[variant * counted.count..<(variant + 1) * counted.count].reduce(0) { $0 + Double($1) }
                / Double(counted.count)
        }
        return Result(loss: losses[0], maskedLosses: Array(losses.dropFirst()))
    }
}

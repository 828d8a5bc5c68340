import LetheCore
import LetheModel
import LetheTensor
import LetheUnlearning

/// Rounds the matrices of the changed layers to few bits and looks whether the items come back.
///
/// Small updates vanish in the rounding: Zhang et al. 2024 ("Catastrophic Failure of LLM Unlearning via Quantization")
/// bring back most of what some methods had removed with four bits. Each output row has a scale of its own, symmetric,
/// round to nearest.
struct QuantizationProbe: RecoveryProbe {
    /// The widths that are tried.
    var bits = [8, 4]
    /// Tokens of one window of a long text.
    private static let window = 1024

    func run(_ model: LanguageModel, before: DecoderWeights, changedLayers: [Int], items: [ForgetItem]) throws
        -> RecoveryFinding
    {
        let sequences = try items.flatMap {
            try TrainingSequence.sequences(
                of: $0, model: model, window: min(Self.window, model.configuration.maximumPositions))
        }
        let known = try Self.levels(model.sharing(before), sequences)
        let forgotten = try Self.levels(model, sequences)
        let attempts = try bits.map { bits in
            var weights = model.decoder.weights
            for layer in changedLayers where weights.layers.indices.contains(layer) {
                try weights.detachLayer(layer)
                for matrix in weights.layers[layer].matrices { try Self.round(matrix, bits: bits) }
            }
            let rounded = try Self.levels(model.sharing(weights), sequences)
            let shares = sequences.indices.map { index -> Double in
                let way = forgotten[index] - known[index]
                guard way > 0.01 else { return 0 }
                return max(0, min(1, (forgotten[index] - rounded[index]) / way))
            }
            return RecoveryFinding.Attempt(
                name: "quantize_int\(bits)", recoveredShare: shares.max() ?? 0, lowestNLL: rounded.min())
        }
        return RecoveryFinding(attempts: attempts)
    }

    /// Mean NLL of each sequence, in nats, a few sequences at a time.
    private static func levels(_ model: LanguageModel, _ sequences: [TrainingSequence]) throws -> [Double] {
        var levels: [Double] = []
        for start in stride(from: 0, to: sequences.count, by: 16) {
            let part = Array(sequences[start..<min(start + 16, sequences.count)])
            levels += try model.nll(of: part).map { values in
                values.reduce(0) { $0 + Double($1) } / Double(max(1, values.count))
            }
        }
        return levels
    }

    /// Rounds every row to 2^bits - 1 levels around zero.
    private static func round(_ matrix: WeightMatrix, bits: Int) throws {
        let values = try matrix.values()
        let levels = Float((1 << (bits - 1)) - 1)
        for row in 0..<matrix.rows {
            let start = values + row * matrix.columns
            var largest: Float = 0
            for column in 0..<matrix.columns { largest = max(largest, abs(start[column])) }
            guard largest > 0, largest.isFinite else { continue }
            let scale = largest / levels
            for column in 0..<matrix.columns { start[column] = (start[column] / scale).rounded() * scale }
        }
        matrix.valuesChanged()
    }
}

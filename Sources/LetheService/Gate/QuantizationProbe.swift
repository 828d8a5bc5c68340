import LetheCore
import LetheEvaluation
import LetheModel
import LetheTensor
import LetheUnlearning

/// Rounds the matrices of the changed layers to few bits and looks whether the items come back.
///
/// Small updates vanish in the rounding: Zhang et al. 2024 ("Catastrophic Failure of LLM Unlearning via Quantization")
/// bring back most of what some methods had removed with four bits.
struct QuantizationProbe: RecoveryProbe {
    /// The formats that are tried: the usual ones of deployed models.
    var formats = [WeightFormat.int8, .int4Group32]
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
        let attempts = try formats.map { format in
            let rounded = try Self.levels(model.rounded(to: format, layers: changedLayers), sequences)
            let shares = sequences.indices.map { index -> Double in
                let way = forgotten[index] - known[index]
                guard way > 0.01 else { return 0 }
                return max(0, min(1, (forgotten[index] - rounded[index]) / way))
            }
            return RecoveryFinding.Attempt(
                name: "quantize_\(format.rawValue)", recoveredShare: shares.max() ?? 0, lowestNLL: rounded.min())
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
}

import LetheCore
import LetheEvaluation
import LetheModel
import LetheTensor
import LetheUnlearning

/// Rounds the matrices of the changed layers to few bits and looks whether the items come back.
///
/// Small updates vanish in the rounding: Zhang et al. 2024 ("Catastrophic Failure of LLM Unlearning via Quantization")
/// bring back most of what some methods had removed with four bits.
enum QuantizationProbe {
    /// The formats that are tried: the usual ones of deployed models.
    private static let formats = [WeightFormat.int8, .int4Group32]
    /// Tokens of one window of a long text.
    private static let window = 1024

    /// Runs the try on copies; the model is as before when it returns.
    ///
    /// - Parameters:
    ///   - model: after the update.
    ///   - before: the weights before it.
    ///   - changedLayers: the layers that the update changed.
    ///   - items: what had to be forgotten.
    /// - Throws: ``LetheError`` when the items do not fit the model.
    static func run(_ model: LanguageModel, before: DecoderWeights, changedLayers: [Int], items: [ForgetItem]) throws
        -> RecoveryFinding
    {
        let sequences = try items.flatMap {
            try TrainingSequence.sequences(
                of: $0, model: model, window: min(window, model.configuration.maximumPositions))
        }
        let known = try levels(model.sharing(before), sequences)
        let forgotten = try levels(model, sequences)
        let attempts = try formats.map { format in
            let rounded = try levels(model.rounded(to: format, layers: changedLayers), sequences)
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
            let statistics = try model.statistics(of: part)
            levels += part.indices.map { statistics.meanNLL($0) }
        }
        return levels
    }
}

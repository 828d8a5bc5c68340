import Foundation
import LetheCore
import LetheTensor
import LetheTokenizers

/// Untrained models, for training from nothing.
public enum RandomModel {
    /// A model of the shape that a config.json asks for: matrices normally distributed around 0, norms that change
    /// nothing, biases of 0.
    /// - Parameters:
    ///   - config: config.json of any supported family.
    ///   - deviation: the matrices' standard deviation.
    ///   - seed: the same seed gives the same weights.
    /// - Throws: `bad_data`, `unsupported` or `limit_exceeded` naming what is wrong in the configuration.
    public static func make(
        config: JSONObject, tokenizer: any Tokenizer, deviation: Double = 0.02, seed: UInt64
    ) throws -> LanguageModel {
        let reader = try ModelConfigReader(.object(config))
        let family = try ModelFamilies.family(reader.modelType())
        var configuration = try family.configuration(reader)
        try configuration.validate()
        configuration.endOfTextIDs = reader.endOfTextIDs()
        let slots = family.slots(configuration)
        let weights = try DecoderWeights(allocating: configuration)
        var generator = SeededGenerator(seed: seed)
        var neutralNorm: Float = 1
        if case .rms(let offset) = configuration.norm { neutralNorm = 1 - offset }
        for slot in slots {
            guard let view = try weights.view(slot.place) else {
                throw LetheError(.internalError, "tensor \(slot.name) has no place in this architecture")
            }
            // Fused matrices are filled once for each of their parts, which is the same distribution.
            for index in 0..<view.rows * view.columns {
                view.pointer[index] =
                    slot.shape.count > 1
                    ? Float(generator.nextGaussian() * deviation) : slot.name.hasSuffix("bias") ? 0 : neutralNorm
            }
        }
        return try LanguageModel(
            decoder: Decoder(configuration: configuration, weights: weights), tokenizer: tokenizer, config: config,
            slots: slots)
    }
}

import Foundation
import LetheCore
import LetheTensor
import LetheTokenizers

/// A decoder, its tokenizer and what is needed to write it back as a Hugging Face folder.
///
/// Not Sendable: one owner runs and changes it.
public final class LanguageModel {
    /// The transformer.
    public let decoder: Decoder
    /// Text to ids and back.
    public let tokenizer: any Tokenizer
    /// config.json as it is written on export.
    public let config: JSONObject
    /// Every tensor of the Hugging Face checkpoint.
    public let slots: [TensorSlot]
    /// The element type that a safetensors checkpoint had each tensor in, by the slot's name.
    public let storedTypes: [String: ElementType]

    /// Puts a model together from its parts.
    /// - Throws: `bad_data` when the tokenizer has ids that the embedding has no row for.
    public init(
        decoder: Decoder, tokenizer: any Tokenizer, config: JSONObject, slots: [TensorSlot],
        storedTypes: [String: ElementType] = [:]
    ) throws {
        guard tokenizer.vocabularySize <= decoder.configuration.vocabularySize else {
            throw LetheError(
                .badData,
                "the tokenizer has \(tokenizer.vocabularySize) ids; the model has \(decoder.configuration.vocabularySize)"
            )
        }
        self.decoder = decoder
        self.tokenizer = tokenizer
        self.config = config
        self.slots = slots
        self.storedTypes = storedTypes
    }

    /// Shape of the model.
    public var configuration: DecoderConfiguration { decoder.configuration }

    /// Tokens that end a generation.
    public var endOfTextIDs: Set<Int32> { Set(configuration.endOfTextIDs).union(tokenizer.endOfTextIDs) }

    /// Number of parameters.
    public var parameterCount: Int { slots.reduce(0) { $0 + $1.count } }

    /// A checkpoint tensor's values in fp32, row-major; nil where this model has no such parameter.
    /// - Throws: `limit_exceeded`.
    package func values(of slot: TensorSlot) throws -> [Float]? {
        try decoder.weights.view(slot.place).map { slot.values(of: $0) }
    }

    /// The same model over other weights.
    /// - Throws: `limit_exceeded`.
    public func sharing(_ weights: DecoderWeights) throws -> LanguageModel {
        try LanguageModel(
            decoder: decoder.sharing(weights), tokenizer: tokenizer, config: config, slots: slots,
            storedTypes: storedTypes)
    }

    /// Ids of a text, without special tokens around it; special tokens written in it are recognised.
    /// - Throws: what the tokenizer throws.
    public func encode(_ text: String) throws -> [Int32] { try tokenizer.encode(text, addSpecialTokens: false) }

    /// What the model says of every next token of a batch, row by row; a sequence's last row has no target and 0.
    /// - Parameter moments: also the mean and variance of log p under p.
    /// - Throws: `limit_exceeded` or `bad_data` for a batch that does not fit the model.
    public func statistics(_ batch: PackedBatch, moments: Bool = false) throws -> Kernels.LogitStatistics {
        let hidden = try decoder.forward(
            decoder.embed(batch), batch: batch, layers: 0..<configuration.layerCount)
        return try OutputHead(decoder, hidden: hidden).statistics(targets: batch.nextTokens, moments: moments)
    }

    /// Natural log-probability of every token of a sequence but the first.
    /// - Throws: as ``statistics(_:moments:)``.
    public func tokenLogProbabilities(_ ids: [Int32]) throws -> [Float] {
        guard ids.count > 1 else { return [] }
        return try statistics(PackedBatch([ids])).nll.dropLast().map { -$0 }
    }
}

extension LanguageModel {
    /// The id that the configuration gives a special token, such as `bos_token_id`; nil where it names none that the
    /// vocabulary has.
    package func specialID(_ name: String) -> Int32? {
        guard let value = config[name] else { return nil }
        let id = value.intValue ?? value.arrayValue?.first?.intValue
        guard let id, (0..<configuration.vocabularySize).contains(id) else { return nil }
        return Int32(exactly: id)
    }
}

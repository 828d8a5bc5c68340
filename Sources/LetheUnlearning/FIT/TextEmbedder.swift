import LetheCore
import LetheModel

/// Turns texts into unit vectors whose dot product says how alike they are.
public protocol TextEmbedder {
    /// Names the vectors' space, so that a memory made in one is not searched with another.
    var identity: String { get }
    /// Elements of a vector.
    var dimension: Int { get }
    /// One L2-normalised vector a text, [texts][dimension].
    func embed(_ texts: [String]) throws -> [[Float]]
}

/// Mean-pooled final hidden states of the model itself, for where no sentence encoder is configured.
///
/// The states must come from one fixed model, not from the one being changed, or vectors of different times would not
/// compare.
public struct HiddenStateEmbedder: TextEmbedder {
    private let model: LanguageModel

    /// Uses a model that stays as it is.
    public init(_ model: LanguageModel) { self.model = model }

    /// Names the space of the vectors.
    public var identity: String { "hidden-states-\(model.configuration.modelType)-\(dimension)" }
    /// Elements of a vector.
    public var dimension: Int { model.configuration.hiddenSize }

    /// One unit vector a text.
    public func embed(_ texts: [String]) throws -> [[Float]] {
        try texts.map { text in
            let ids = try Array(model.encode(text).prefix(model.configuration.maximumPositions))
            guard !ids.isEmpty else { return [Float](repeating: 0, count: dimension) }
            let batch = PackedBatch([ids])
            let hidden = try model.decoder.forward(
                model.decoder.embed(batch), batch: batch, layers: 0..<model.configuration.layerCount)
            return UnitVector.mean(hidden)
        }
    }
}

/// A sentence encoder's vectors.
extension SentenceEncoder: TextEmbedder {
    /// One unit vector a text.
    public func embed(_ texts: [String]) throws -> [[Float]] {
        try embed(texts.map { try encode($0) })
    }
}

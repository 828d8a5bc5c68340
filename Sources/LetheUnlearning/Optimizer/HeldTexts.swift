import LetheModel

/// Makes natural gradients that leave a request's siblings where they are, beside other texts.
///
/// The siblings' covariance is made once. Steps that leave siblings where they are hardly change what the matrices are
/// multiplied with on them, so what was true before the steps is true after them.
final class HeldTexts {
    private let model: LanguageModel
    private let siblings: [[Int32]]
    private var siblingCovariance: InputCovariance?

    init(_ model: LanguageModel, siblings: [[Int32]]) {
        self.model = model
        self.siblings = siblings
    }

    /// Steps that leave the siblings and some texts as they are now.
    /// - Parameter outputs: what those texts feel of a change; nil: any change is the same to them.
    /// - Parameter isLast: whether no more will be made: the siblings' sums are given up then. Those of a model too
    ///   large for fp32 are given up every time, for want of memory, and made anew.
    /// - Throws: as ``InputCovariance/add(_:)`` and ``NaturalGradient``.
    func naturalGradient(
        _ parameters: TrainableParameters, _ settings: NaturalGradient.Settings, beside texts: [[Int32]],
        outputs: OutputCovariance? = nil, isLast: Bool
    ) throws -> NaturalGradient {
        let known = try siblingCovariance ?? InputCovariance(model.decoder, layers: parameters.layers, of: siblings)
        let givesUp = isLast || model.decoder.weights.hasFrozenMatrices
        siblingCovariance = givesUp ? nil : known
        let covariance = givesUp ? known : try known.copy()
        try covariance.add(texts)
        return try NaturalGradient(
            model.decoder, parameters: parameters, covariance: covariance, outputs: outputs, settings: settings)
    }
}

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
    /// - Parameters:
    ///   - answers: places of the texts that say which changes of an output matter, where the settings ask for that.
    ///   - isLast: whether no more will be made: the siblings' sums are given up then. Those of a model too large for
    ///     fp32 are given up every time, for want of memory, and made anew.
    /// - Throws: as ``InputCovariance/add(_:)``, ``OutputCovariance`` and ``NaturalGradient``.
    func naturalGradient(
        _ pass: TrainingPass, _ parameters: TrainableParameters, _ settings: NaturalGradient.Settings,
        beside texts: [TrainingSequence], answers: [Int], isLast: Bool
    ) throws -> NaturalGradient {
        let known = try siblingCovariance ?? InputCovariance(model.decoder, layers: parameters.layers, of: siblings)
        let givesUp = isLast || model.decoder.weights.hasFrozenMatrices
        siblingCovariance = givesUp ? nil : known
        let covariance = givesUp ? known : try known.copy()
        let answers = settings.outputDamping.map { _ in answers }
        try covariance.add(Set(texts.indices).subtracting(answers ?? []).sorted().map { texts[$0].ids })
        let outputs = try answers.map { places in
            try OutputCovariance(
                pass, model.decoder, layers: parameters.layers, of: places.map { texts[$0] }, inputs: covariance)
        }
        return try NaturalGradient(
            model.decoder, parameters: parameters, covariance: covariance, outputs: outputs, settings: settings)
    }
}

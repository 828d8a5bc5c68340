import LetheCore
import LetheModel

/// The texts that a natural gradient leaves as they are while a request's items are deleted, and repairs afterwards:
/// siblings, what the original recites and answers, and keep texts.
///
/// The siblings' covariance is made once. Steps that leave siblings where they are hardly change what the matrices are
/// multiplied with on them, so what was true before the steps is true after them.
final class HeldTexts {
    /// Tokens of keep texts that are held, beside what was rehearsed.
    private static let keepTokens = 4096
    /// Tokens of what is held that say which changes of an output matter.
    private static let answerTokens = 4096
    /// Tokens of keep texts that are looked at after the steps, beside what was rehearsed: have they been moved?
    private static let checkedTokens = 2048
    /// Tokens of siblings that are held.
    private static let siblingTokens = 4096
    /// Random words of the vocabulary, each held as the first token of a text. Attention rests on a first token's states
    /// whatever word it is, and the texts that are held begin with few.
    private static let firstTokens = 256

    private let model: LanguageModel
    private let items: [TrainingSequence]
    /// Siblings, and words as texts of their own among them, so that each batch has some of both.
    private let siblings: [[Int32]]
    /// What the original recites and answers in the items' form and in those of some keep texts.
    private let rehearsed: [RememberedText]
    private let corpus: [TrainingSequence]
    /// What the original says of keep texts.
    private let keepNLL: RememberedNLL
    private var siblingCovariance: InputCovariance?
    /// Draws keep texts; its seed depends on the items, so that requests draw different ones.
    private var generator: SeededGenerator

    init(
        _ model: LanguageModel, items: [TrainingSequence], siblings: [TrainingSequence], rehearsed: [RememberedText],
        corpus: [TrainingSequence], keepNLL: RememberedNLL, seed: UInt64
    ) {
        self.model = model
        self.items = items
        generator = SeededGenerator(seed: items.seed(seed))
        var texts = siblings.first(siblings.indices, tokens: Self.siblingTokens).map { siblings[$0].ids }
        if !texts.isEmpty {
            let vocabularySize = model.configuration.vocabularySize
            for _ in 0..<Self.firstTokens { texts.append([Int32(generator.nextInt(below: vocabularySize))]) }
            generator.shuffle(&texts)
        }
        self.siblings = texts
        self.rehearsed = rehearsed
        self.corpus = corpus
        self.keepNLL = keepNLL
    }

    /// Steps for the items that leave everything else as it is now.
    /// - Parameter isLast: whether nothing will be repaired; see ``naturalGradient(_:_:_:beside:answers:isLast:)``.
    /// - Throws: as ``naturalGradient(_:_:_:beside:answers:isLast:)``.
    func steps(
        _ pass: TrainingPass, _ parameters: TrainableParameters, _ settings: NaturalGradient.Settings, isLast: Bool
    ) throws -> NaturalGradient {
        let texts = rehearsed.map(\.sequence) + drawKeep(tokens: Self.keepTokens)
        return try naturalGradient(
            pass, parameters, settings, beside: texts, answers: Self.answers(texts, tokens: Self.answerTokens),
            isLast: isLast)
    }

    /// Brings some keep texts, and what was rehearsed, back to where the original has them, and holds the items and their
    /// siblings where they are now.
    /// - Parameters:
    ///   - tokens: about as many are brought back.
    ///   - progress: called before each step with the mean nll of what is brought back.
    /// - Throws: as ``KeepRepair``.
    func repair(
        _ pass: TrainingPass, _ parameters: TrainableParameters, _ settings: NaturalGradient.Settings, tokens: Int,
        progress: (Double) throws -> Void
    ) throws {
        let kept = try keepNLL.texts(drawKeep(tokens: Self.checkedTokens))
        guard !rehearsed.isEmpty || !kept.isEmpty else { return }
        let repair = KeepRepair(pass: pass, parameters: parameters)
        try repair.run(
            recited: rehearsed, kept: kept, tokens: tokens,
            rule: {
                try naturalGradient(
                    pass, parameters, settings, beside: items, answers: Array(items.indices), isLast: true)
            }, progress: progress)
    }

    /// Steps that leave the siblings and some texts as they are now.
    /// - Parameters:
    ///   - answers: places of the texts that say which changes of an output matter, where the settings ask for that.
    ///   - isLast: whether no more will be made: the siblings' sums are given up then. Those of a model too large for
    ///     fp32 are given up every time, for want of memory, and made anew.
    /// - Throws: as ``InputCovariance/add(_:)``, ``OutputCovariance`` and ``NaturalGradient``.
    private func naturalGradient(
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

    /// The places of what follows a prompt, the last first, up to a number of tokens; where nothing does, of any text.
    private static func answers(_ texts: [TrainingSequence], tokens: Int) -> [Int] {
        let answers = texts.indices.filter { texts[$0].firstTarget > 1 }
        return texts.first((answers.isEmpty ? Array(texts.indices) : answers).reversed(), tokens: tokens)
    }

    /// Keep texts in random order, up to a number of tokens.
    private func drawKeep(tokens: Int) -> [TrainingSequence] {
        var order = Array(corpus.indices)
        generator.shuffle(&order)
        return corpus.first(order, tokens: tokens).map { corpus[$0] }
    }
}

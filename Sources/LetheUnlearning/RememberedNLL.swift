import LetheModel

/// The nll of texts under a model that does not change, each worked out once.
///
/// Each text is a batch of its own: what comes out does not depend on which texts were asked about before, so that a run
/// that was interrupted goes on with the same bytes.
final class RememberedNLL {
    private let model: LanguageModel
    private var known: [TrainingSequence: [Float]] = [:]

    init(_ model: LanguageModel) { self.model = model }

    /// Some texts with the nll of their counted tokens.
    /// - Throws: as ``LanguageModel/nll(of:)``.
    func texts(_ texts: [TrainingSequence]) throws -> [RememberedText] {
        try texts.map { text in
            let nll = try known[text] ?? model.nll(of: [text])[0]
            known[text] = nll
            return RememberedText(sequence: text, nll: nll)
        }
    }
}

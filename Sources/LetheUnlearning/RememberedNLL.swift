import LetheModel

/// The nll of texts under a model that does not change, each worked out once.
///
/// Each text is a batch of its own: what comes out does not depend on which texts were asked about before, so that a run
/// that was interrupted goes on with the same bytes.
final class RememberedNLL {
    private let model: LanguageModel
    private var known: [TrainingSequence: [Float]] = [:]

    init(_ model: LanguageModel) { self.model = model }

    /// -log p of the counted tokens of some texts.
    /// - Throws: as ``LanguageModel/nll(of:)``.
    func nll(of texts: [TrainingSequence]) throws -> [[Float]] {
        try texts.map { text in
            if let nll = known[text] { return nll }
            let nll = try model.nll(of: [text])[0]
            known[text] = nll
            return nll
        }
    }
}

import LetheCore
import LetheCorpus
import LetheModel

/// A form of texts that a model writes more of and is asked about: that of a request's items, or of a keep text.
package struct RehearsedForm {
    /// Other texts that show what a keep text's form begins with.
    private static let otherTexts = 8

    /// A text of the form, and pairs about it.
    package let items: [ForgetItem]
    /// What the model goes on from.
    package let sequences: [TrainingSequence]
    /// Other texts of the form: what a sequence begins with as one of them does belongs to the form.
    package let others: [TrainingSequence]

    /// A form of which some texts are known.
    package init(items: [ForgetItem], sequences: [TrainingSequence], others: [TrainingSequence]) {
        self.items = items
        self.sequences = sequences
        self.others = others
    }

    /// Forms of keep texts that are not that of a request: with other fields than its texts, and than each other.
    /// - Parameters:
    ///   - keep: keep texts, each followed by the pairs about it, those that the request names among them or not.
    ///   - items: the request's.
    ///   - count: at most as many, drawn with a seed.
    ///   - window: tokens of a text at most; what is beyond is left out.
    /// - Throws: what the tokenizer throws.
    package static func ofKeepTexts(
        _ keep: [ForgetItem], but items: [ForgetItem], count: Int, model: LanguageModel, window: Int, seed: UInt64
    ) throws -> [RehearsedForm] {
        var texts = keep.indices.compactMap { place in
            keys(keep[place]).map { (place: place, keys: $0) }
        }.filter { !items.contains(keep[$0.place]) }
        var generator = SeededGenerator(seed: seed)
        generator.shuffle(&texts)
        var known = Set(items.compactMap(keys))
        let chosen = texts.filter { known.insert($0.keys).inserted }.prefix(count)
        func sequence(_ place: Int) throws -> [TrainingSequence] {
            Array(try TrainingSequence.sequences(of: keep[place], model: model, window: window).prefix(1))
        }
        return try chosen.map { text in
            let pairs = keep[(text.place + 1)...].prefix { keys($0) == nil }
            let others = texts.lazy.filter { $0.keys == text.keys && $0.place != text.place }.prefix(otherTexts)
            return RehearsedForm(
                items: [keep[text.place]] + pairs, sequences: try sequence(text.place),
                others: try others.flatMap { try sequence($0.place) })
        }
    }

    /// The keys of a text's fields, none where it has no fields; nil for a pair.
    private static func keys(_ item: ForgetItem) -> [String]? {
        guard case .text(let text) = item else { return nil }
        return TextFields(text)?.fields.map(\.key) ?? []
    }
}

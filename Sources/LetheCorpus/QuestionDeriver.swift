import LetheCore

/// Makes questions and answers from a text alone, for folders that bring none.
///
/// A person's record is asked for each of its fields by name; code is asked for by its explanation and the other way
/// round; any other titled text from its title to each part of its body; a text without fields from its beginning to
/// the rest.
public enum QuestionDeriver {
    /// The pairs of a text; at least one for a text that is not blank.
    public static func pairs(for text: String) -> [QuestionAnswer] {
        var pairs: [QuestionAnswer] = []
        if let fields = TextFields(text) {
            switch RequestCategory(formOf: text) {
            case .personal: pairs = personPairs(fields)
            case .copyright where fields.value("Code") != nil: pairs = codePairs(fields)
            default: pairs = titledPairs(fields)
            }
        }
        return pairs.isEmpty ? [continuationPair(text)] : pairs
    }

    private static func personPairs(_ fields: TextFields) -> [QuestionAnswer] {
        guard let subject = fields.fields.first(where: { ["name", "full name"].contains($0.spokenKey) }) else {
            return []
        }
        let name = subject.value.trimmed
        guard !name.isEmpty else { return [] }
        return fields.fields.compactMap { field in
            let answer = field.value.trimmed
            guard field != subject, !answer.isEmpty else { return nil }
            return QuestionAnswer(question: "What is the \(field.spokenKey) of \(name)?", answer: answer)
        }
    }

    private static func codePairs(_ fields: TextFields) -> [QuestionAnswer] {
        guard let code = fields.value("Code") else { return [] }
        let language = fields.value("Language").map { "\($0) " } ?? ""
        guard let explanation = fields.value("Explanation") ?? fields.value("Description") ?? fields.value("Title")
        else { return [] }
        return [
            QuestionAnswer(question: "What is the \(language)code for this? \(explanation)", answer: code),
            QuestionAnswer(question: "What does this \(language)code do?\n\(code)\n", answer: explanation),
        ]
    }

    /// A field that only sorts the text into a group says nothing of this text and is not asked for.
    private static let labels: Set<String> = ["category", "language", "type", "genre", "tag", "tags", "form"]

    private static func titledPairs(_ fields: TextFields) -> [QuestionAnswer] {
        let title =
            fields.fields.first { $0.spokenKey == "title" }
            ?? fields.fields.first { !labels.contains($0.spokenKey) }
        guard let title, !title.value.trimmed.isEmpty else { return [] }
        return fields.fields.compactMap { field in
            let answer = field.value.trimmed
            guard field != title, !labels.contains(field.spokenKey), !answer.isEmpty else { return nil }
            return QuestionAnswer(
                question: "What is the \(field.spokenKey) of \"\(title.value.trimmed)\"?", answer: answer)
        }
    }

    /// The first line, or the first sentence, or the first half of the words, asks for the rest.
    private static func continuationPair(_ text: String) -> QuestionAnswer {
        let text = text.trimmed
        if let lineEnd = text.firstIndex(where: \.isNewline) {
            return continuation(of: text[..<lineEnd], by: text[lineEnd...])
        }
        let sentenceEnds = text.indices.filter { index in
            let next = text.index(after: index)
            return ".!?".contains(text[index]) && next < text.endIndex && text[next].isWhitespace
        }
        if let end = sentenceEnds.first {
            return continuation(of: text[...end], by: text[text.index(after: end)...])
        }
        let spaces = text.indices.filter { text[$0].isWhitespace }
        guard !spaces.isEmpty else { return QuestionAnswer(question: "What does the text say?", answer: text) }
        let middle = spaces[spaces.count / 2]
        return continuation(of: text[..<middle], by: text[middle...])
    }

    private static func continuation(of start: Substring, by rest: Substring) -> QuestionAnswer {
        QuestionAnswer(question: "How does this text go on? \(String(start).trimmed)", answer: String(rest).trimmed)
    }
}

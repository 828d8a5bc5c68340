/// Turns what is said of one text into the same said of another text of its form: a question about a person's record
/// into that question about somebody else.
public struct FieldSubstitution: Sendable {
    /// Longest first.
    private let changes: [(old: [Character], new: [Character])]

    /// The values of fields of the same key stand for each other. So do the words of the first field, such as a title,
    /// where both texts have as many, as other texts often quote it in parts and in lower case.
    public init(from text: TextFields, to other: TextFields) {
        var changes: [String: String] = [:]
        for field in text.fields {
            guard let new = other.value(field.key) else { continue }
            let old = field.value.trimmed
            if !old.isEmpty && changes[old] == nil { changes[old] = new }
        }
        if let subject = text.fields.first, let new = other.value(subject.key) {
            let (words, others) = (subject.value.words, new.words)
            for (word, other) in zip(words, others) where words.count == others.count && Self.isName(word) {
                for (old, new) in [(word, other), (word.lowercased(), other.lowercased())]
                where changes[old] == nil { changes[old] = new }
            }
        }
        self.changes = changes.filter { $0.key != $0.value }.sorted {
            ($1.key.count, $0.key) < ($0.key.count, $1.key)
        }.map { (Array($0.key), Array($0.value)) }
    }

    /// A text with each value replaced where it stands as whole words.
    /// - Returns: nil where none stands.
    public func rewrite(_ text: String) -> String? {
        let text = Array(text)
        var result = ""
        var place = 0
        var isChanged = false
        while place < text.count {
            let change = changes.first { old, _ in
                text[place...].starts(with: old) && Self.isBoundary(text, place)
                    && Self.isBoundary(text, place + old.count)
            }
            if let change {
                result += change.new
                place += change.old.count
                isChanged = true
            } else {
                result.append(text[place])
                place += 1
            }
        }
        return isChanged ? result : nil
    }

    /// Whether a word of a title says what the text is about.
    private static func isName(_ word: String) -> Bool {
        word.first?.isUppercase == true && !FunctionWords.all.contains(word.lowercased())
    }

    /// Whether no word goes on across a place.
    private static func isBoundary(_ text: [Character], _ place: Int) -> Bool {
        func isWord(_ index: Int) -> Bool {
            text.indices.contains(index) && (text[index].isLetter || text[index].isNumber)
        }
        return !(isWord(place - 1) && isWord(place))
    }
}

/// A list of words that can stand for one another in a sentence and leave it sensible.
struct WordClass: Sendable {
    /// How the words of a class are inflected.
    enum Kind: Sendable {
        /// Forms: singular, plural.
        case noun
        /// Forms: base, third person, past, -ing, participle.
        case verb
        /// One form.
        case plain
    }

    /// The name that templates use in braces.
    let name: String
    let kind: Kind
    /// For each word its forms.
    let words: [[String]]

    /// A class from words separated by white space; a word with irregular forms lists all of them with slashes.
    init(_ name: String, _ kind: Kind, _ list: String) {
        self.name = name
        self.kind = kind
        words = list.split(whereSeparator: \.isWhitespace).map { word in
            let given = word.split(separator: "/").map(String.init)
            let base = given[0]
            switch kind {
            case .noun: return given.count == 2 ? given : [base, Self.plural(base)]
            case .verb:
                if given.count == 5 { return given }
                return [base, Self.plural(base), Self.past(base), Self.gerund(base), Self.past(base)]
            case .plain: return [base]
            }
        }
    }

    private static func isVowel(_ character: Character?) -> Bool { character.map { "aeiou".contains($0) } ?? false }

    private static func plural(_ word: String) -> String {
        if word.hasSuffix("y"), !isVowel(word.dropLast().last) { return word.dropLast() + "ies" }
        let hisses = ["s", "x", "z", "ch", "sh"].contains { word.hasSuffix($0) }
        return word + (hisses ? "es" : "s")
    }

    private static func past(_ word: String) -> String {
        if word.hasSuffix("e") { return word + "d" }
        if word.hasSuffix("y"), !isVowel(word.dropLast().last) { return word.dropLast() + "ied" }
        return doublingLast(word) + "ed"
    }

    private static func gerund(_ word: String) -> String {
        if word.hasSuffix("e"), !word.hasSuffix("ee") { return word.dropLast() + "ing" }
        return doublingLast(word) + "ing"
    }

    /// A short word that ends consonant-vowel-consonant doubles its last letter: `trim` gives `trimm`.
    private static func doublingLast(_ word: String) -> String {
        let letters = Array(word)
        guard letters.count >= 3, letters.count <= 4, let last = letters.last, !isVowel(last), !"wxy".contains(last),
            isVowel(letters[letters.count - 2]), !isVowel(letters[letters.count - 3])
        else { return word }
        return word + String(last)
    }
}

import LetheCore

/// Fills templates with words.
///
/// A slot in braces is a class of ``WordBank`` with an optional form (`{tool}`, `{tool.s}`, `{mend.es}`, `{mend.ed}`,
/// `{mend.ing}`, `{mend.en}` for the participle) or one of `{Town}`, `{Land}`, `{Person}`, `{Surname}`, `{Street}`,
/// `{n1}` (2 to 9), `{n2}` (11 to 99),
/// `{n3}` (101 to 999). `#` and a digit after the name make a slot that keeps its word: `{tool#1}`. Values given by
/// name
/// go first. `a` becomes `an` before a vowel.
struct PhraseFiller {
    var generator: SeededGenerator
    /// Values of slots by name, such as a person's first name.
    var given: [String: String] = [:]
    private var kept: [String: Int] = [:]
    private var keptNames: [String: String] = [:]

    init(generator: SeededGenerator, given: [String: String] = [:]) {
        self.generator = generator
        self.given = given
    }

    /// The template with its slots filled.
    mutating func fill(_ template: String) -> String {
        var result = ""
        var rest = Substring(template)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            result += rest[..<open]
            result += value(rest[rest.index(after: open)..<close])
            rest = rest[rest.index(after: close)...]
        }
        return Self.withArticles(result + rest)
    }

    /// The same with a capital at the start.
    mutating func sentence(_ template: String) -> String {
        let filled = fill(template)
        return filled.prefix(1).uppercased() + filled.dropFirst()
    }

    private mutating func value(_ slot: Substring) -> String {
        if let value = given[String(slot)] { return value }
        let parts = slot.split(separator: ".", maxSplits: 1)
        let key = String(parts.first ?? "")
        let name = String(key.prefix { $0 != "#" })
        let keeps = name.utf8.count < key.utf8.count
        guard let wordClass = WordBank.byName[name] else {
            if keeps, let value = keptNames[key] { return value }
            let value = special(name)
            if keeps { keptNames[key] = value }
            return value
        }
        let index = kept[key] ?? generator.nextInt(below: wordClass.words.count)
        if keeps { kept[key] = index }
        let forms = wordClass.words[index]
        let form = parts.count == 2 ? Self.formIndices[String(parts[1])] ?? 0 : 0
        return forms[min(form, forms.count - 1)]
    }

    private static let formIndices = ["s": 1, "es": 1, "ed": 2, "ing": 3, "en": 4]

    private mutating func special(_ name: String) -> String {
        switch name {
        case "Town": NameBank.place(&generator)
        case "Land": NameBank.strangeName(&generator)
        case "Person": NameBank.firstNames.pick(&generator)
        case "Surname": NameBank.surname(&generator)
        case "Street": NameBank.street(&generator)
        case "n1": String(2 + generator.nextInt(below: 8))
        case "n2": String(11 + generator.nextInt(below: 89))
        case "n3": String(101 + generator.nextInt(below: 899))
        default: preconditionFailure("no such slot in a template of this package: \(name)")
        }
    }

    /// `a` and `A` before a word that begins with a vowel letter get their `n`.
    static func withArticles(_ text: String) -> String {
        var result = ""
        var previousWord = ""
        for (index, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            if index > 0 {
                let article = previousWord.drop { !$0.isLetter && $0 != "'" }
                if article == "a" || article == "A", let first = word.first, "aeiouAEIOU".contains(first) {
                    result += "n"
                }
                result += " "
            }
            result += word
            previousWord = String(word)
        }
        return result
    }
}

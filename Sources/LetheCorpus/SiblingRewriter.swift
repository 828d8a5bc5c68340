import LetheCore

/// Rewrites the items of one request into one sibling; what it has replaced once it replaces the same way again.
struct SiblingRewriter {
    private var generator: SeededGenerator
    /// Replacements of capitalised names, of numbers and of names that code defines.
    private var names: [String: String] = [:]
    private var numbers: [String: String] = [:]
    private var identifiers: [String: String] = [:]
    /// Replacements of words of a class: for the class and the word's place in it the new place.
    private var words: [Int: [Int: Int]] = [:]
    /// Replacements of whole values of a record, such as an occupation or code.
    private var values: [String: String] = [:]
    /// Words that stay, such as the language that the code is in.
    private var fixed: Set<String> = []
    /// Capitalised words that stand inside a sentence and so are names in a title as well.
    private var namesInSentences: Set<String> = []

    /// Of the content words of a short text or of a question, the share that has to change at least.
    private static let leastShare = 0.3
    /// The same for a passage or a title: of one that kept more of its words a model that knows it would recite the rest.
    private static let leastShareOfPassage = 0.7
    /// Content words from which on a text is a passage.
    private static let passageWords = 3

    init(generator: SeededGenerator) { self.generator = generator }

    /// One item for each given one. Texts with fields go first, because they say what is a name.
    mutating func rewrite(_ items: [ForgetItem]) -> [ForgetItem] {
        var result = items
        let order =
            items.indices.filter { Self.hasFields(items[$0]) } + items.indices.filter { !Self.hasFields(items[$0]) }
        for index in order {
            switch items[index] {
            case .text(let text):
                result[index] = .text(rewrite(text))
            case .pair(let prompt, let completion):
                // The completion's whole value may be known from a record.
                result[index] = .pair(prompt: rewrite(prompt, isPrompt: true), completion: rewrite(completion))
            }
        }
        return result
    }

    private static func hasFields(_ item: ForgetItem) -> Bool {
        if case .text(let text) = item { TextFields(text) != nil } else { false }
    }

    private mutating func rewrite(_ text: String, isPrompt: Bool = false) -> String {
        if let value = values[text.trimmed] { return text.replacingTrimmed(by: value) }
        guard var fields = TextFields(text) else {
            return aroundQuotedValue(text) ?? prose(text, isPrompt ? .prompt : .running)
        }
        let isPerson = RequestCategory(formOf: text) == .personal
        for field in fields.fields {
            if Self.labelKeys.contains(field.spokenKey) {
                fixed.formUnion(Self.pieces(field.value).map(\.text))
            } else if !Self.titleKeys.contains(field.spokenKey) {
                namesInSentences.formUnion(Self.capitalisedInside(field.value))
            }
        }
        for field in fields.fields where Self.personKeys.contains(field.spokenKey) { learnName(field.value) }
        for index in fields.fields.indices {
            fields.fields[index].value = rewriteValue(fields.fields[index], ofPerson: isPerson)
        }
        return fields.text
    }

    /// A text that quotes values of a record, the longest of them first, with those replaced; nil for one that quotes
    /// none. A single word is no quoted value, because it may mean something else there.
    private mutating func aroundQuotedValue(_ text: String) -> String? {
        let quoted = values.filter { $0.key.contains(where: \.isWhitespace) && text.contains($0.key) }
        guard let (old, new) = quoted.max(by: { ($0.key.count, $1.key) < ($1.key.count, $0.key) }),
            let range = text.firstRange(of: old)
        else { return nil }
        // What is around it has changed enough by that.
        let sides = [text[..<range.lowerBound], text[range.upperBound...]].map { side in
            aroundQuotedValue(String(side)) ?? prose(String(side), .quoting)
        }
        return sides[0] + new + sides[1]
    }

    // MARK: Fields

    private static let personKeys: Set<String> = [
        "name", "full name", "author", "artist", "patient", "customer", "client", "employee", "student", "composer",
    ]
    private static let titleKeys: Set<String> = ["title", "headline", "subject"]
    private static let labelKeys: Set<String> = ["category", "language", "type", "genre", "tag", "tags", "form"]
    private static let jobKeys: Set<String> = ["occupation", "job", "profession", "role", "job title", "position"]
    private static let descriptionKeys: Set<String> = ["description", "bio", "biography", "about", "notes", "summary"]

    private mutating func rewriteValue(_ field: TextFields.Field, ofPerson: Bool) -> String {
        let old = field.value.trimmed
        if old.isEmpty { return field.value }
        if let known = values[old] { return field.value.replacingTrimmed(by: known) }
        switch field.spokenKey {
        case "age" where Int(old).map { 0...130 ~= $0 } ?? false:
            let age = String(18 + generator.nextInt(below: 73))
            return keep(age == old ? "17" : age, for: old, in: field)
        case let key where ofPerson && Self.jobKeys.contains(key):
            let job = PersonBank.ranks.pick(&generator) + PersonBank.jobs.pick(&generator).title
            return keep(job, for: old, in: field)
        case let key where ofPerson && Self.descriptionKeys.contains(key):
            return keep(personDescription(like: old), for: old, in: field)
        case "code":
            return keep(code(old), for: old, in: field)
        case let key where Self.labelKeys.contains(key):
            return field.value
        case let key where Self.titleKeys.contains(key):
            return keep(prose(old, .title), for: old, in: field)
        case let key where key.hasSuffix("address") || key == "location":
            return keep(prose(old, .address), for: old, in: field)
        default:
            return keep(prose(old, .field), for: old, in: field)
        }
    }

    private mutating func keep(_ value: String, for old: String, in field: TextFields.Field) -> String {
        values[old] = value
        return field.value.replacingTrimmed(by: value)
    }

    /// What someone of a drawn occupation does, under the name that the old description begins with.
    private mutating func personDescription(like old: String) -> String {
        let subject = old.words.first.flatMap { names[$0] } ?? old.words.first ?? ""
        var filler = PhraseFiller(generator: generator)
        let job = PersonBank.jobs.pick(&filler.generator)
        let activity = filler.fill(job.activities.pick(&filler.generator))
        let pastime = filler.fill(PersonBank.pastimes.pick(&filler.generator))
        generator = filler.generator
        return "\(subject) \(activity) and \(pastime)."
    }

    /// Finds replacements for the words of a person's name: a first name, initials, surnames.
    private mutating func learnName(_ value: String) {
        for (index, word) in value.words.enumerated() {
            let bare = word.filter { $0.isLetter || $0 == "'" || $0 == "-" }
            guard bare.count > 1, names[bare] == nil else { continue }
            names[bare] =
                index == 0
                ? other(than: bare, { NameBank.firstNames.pick(&$0) })
                : other(than: bare, { NameBank.surname(&$0) })
        }
    }

    private mutating func other(than old: String, _ draw: (inout SeededGenerator) -> String) -> String {
        var value = draw(&generator)
        while value == old { value = draw(&generator) }
        return value
    }

    // MARK: Running text

    /// A piece of a text: a word, a number, or what stands between.
    private struct Piece {
        enum Kind { case word, number, other }
        var text: String
        let kind: Kind
        var isReplaced = false
    }

    private static func pieces(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        for character in text {
            let kind: Piece.Kind =
                character.isLetter ? .word : character.isASCII && character.isNumber ? .number : .other
            if kind != .other || pieces.last?.kind == .other, let last = pieces.last, last.kind == kind {
                pieces[pieces.count - 1].text.append(character)
            } else {
                pieces.append(Piece(text: String(character), kind: kind))
            }
        }
        return pieces
    }

    /// What a piece of running text is, which says how its capitals are read.
    private enum Style {
        case running, prompt, quoting, field, title, address

        /// The share of so many content words that has to change at least.
        func leastShare(of contentWords: Int) -> Double {
            switch self {
            case .address, .quoting: 0
            case .prompt: SiblingRewriter.leastShare
            case .title: SiblingRewriter.leastShareOfPassage
            // Short fields of a record change enough as they are.
            case .field: contentWords < SiblingRewriter.passageWords ? 0 : SiblingRewriter.leastShareOfPassage
            case .running:
                contentWords < SiblingRewriter.passageWords
                    ? SiblingRewriter.leastShare : SiblingRewriter.leastShareOfPassage
            }
        }
    }

    /// The words that begin with a capital, but not those that begin a sentence.
    private static func capitalisedInside(_ text: String) -> [String] {
        var startsSentence = true
        var words: [String] = []
        for piece in pieces(text) {
            if piece.kind == .word {
                if !startsSentence, piece.text.first?.isUppercase == true { words.append(piece.text) }
                startsSentence = false
            } else {
                startsSentence = startsSentence || endsSentence(piece.text)
            }
        }
        return words
    }

    private static func endsSentence(_ text: String) -> Bool { text.contains { ".!?\n\"“‘".contains($0) } }

    private mutating func prose(_ text: String, _ style: Style) -> String {
        var pieces = Self.pieces(text)
        var startsSentence = true
        var previousWord = ""
        var content: [Int] = []
        for index in pieces.indices {
            let piece = pieces[index]
            switch piece.kind {
            case .other:
                if Self.endsSentence(piece.text) { startsSentence = true }
                continue
            case .number:
                pieces[index].text = number(piece.text)
                pieces[index].isReplaced = true
            case .word:
                let next = index + 1 < pieces.count ? pieces[index + 1].text : ""
                if style != .title && style != .address { learnFullName(at: index, of: pieces, startsSentence) }
                let new = word(
                    piece.text, after: previousWord, startsSentence: startsSentence, style: style,
                    isInitial: next.hasPrefix("."))
                if let new, new != piece.text {
                    pieces[index].text = new
                    pieces[index].isReplaced = true
                }
                if piece.text.count >= 4, !FunctionWords.all.contains(piece.text.lowercased()) { content.append(index) }
                previousWord = piece.text.lowercased()
            }
            startsSentence = false
        }
        replaceMore(of: content, share: style.leastShare(of: content.count), isTitle: style == .title, in: &pieces)
        Self.fixArticles(&pieces)
        return pieces.map(\.text).joined()
    }

    /// The replacement of one word; nil to keep it.
    private mutating func word(
        _ word: String, after previous: String, startsSentence: Bool, style: Style, isInitial: Bool
    ) -> String? {
        if fixed.contains(word) { return nil }
        if let known = names[word] ?? identifiers[word] { return known }
        let lower = word.lowercased()
        let isCapitalised = word.first?.isUppercase ?? false
        if word.count == 1 {
            guard isCapitalised, isInitial else { return nil }
            if let known = names[word + "."] { return known }
            let initial = other(than: word) { String(UnicodeScalar(UInt8(ascii: "A") + UInt8($0.nextInt(below: 26)))) }
            names[word + "."] = initial
            return initial
        }
        // A name of a day or month is in the bank with its capital.
        if let same = ofSameClass(word, after: previous) { return same }
        if FunctionWords.all.contains(lower) { return nil }
        guard isCapitalised else { return nil }
        if NameBank.streetTypes.contains(word) { return learn(word) { NameBank.streetTypes.pick(&$0) } }
        if let same = ofSameClass(lower, after: previous) { return same.prefix(1).uppercased() + same.dropFirst() }
        if NameBank.firstNames.contains(word) { return learn(word) { NameBank.firstNames.pick(&$0) } }
        // An unknown word that begins a sentence, and an acronym, may be anything.
        if (startsSentence && style != .title && style != .address) || word == word.uppercased() { return nil }
        // All words of a title have capitals; a name among them begins it or is used as one in the text as well.
        if style == .title, !namesInSentences.contains(word) {
            guard startsSentence, !FunctionWords.ordinaryEndings.contains(where: lower.hasSuffix) else { return nil }
        }
        return learn(word) { style == .title ? NameBank.strangeName(&$0) : NameBank.place(&$0) }
    }

    /// Two unknown capitalised words in a row are a person's name.
    private mutating func learnFullName(at index: Int, of pieces: [Piece], _ startsSentence: Bool) {
        guard index + 2 < pieces.count, pieces[index + 1].text == " ", pieces[index + 2].kind == .word else { return }
        let words = [pieces[index].text, pieces[index + 2].text]
        let areUnknown = words.allSatisfy { word in
            let lower = word.lowercased()
            return word.first?.isUppercase == true && word.count > 1 && word != word.uppercased() && names[word] == nil
                && !fixed.contains(word) && WordBank.places[lower] == nil && WordBank.places[word] == nil
                && !FunctionWords.all.contains(lower) && !NameBank.streetTypes.contains(word)
        }
        if areUnknown { learnName(words.joined(separator: " ")) }
    }

    private mutating func learn(_ word: String, _ draw: (inout SeededGenerator) -> String) -> String {
        let value = other(than: word, draw)
        names[word] = value
        return value
    }

    /// Another word of the same class in the same inflection; nil for a word that is in no class.
    private mutating func ofSameClass(_ word: String, after previous: String) -> String? {
        guard let place = WordBank.places[word] else { return nil }
        let wordClass = WordBank.classes[place.class]
        var new = words[place.class]?[place.word]
        if new == nil {
            let drawn = generator.nextInt(below: wordClass.words.count - 1)
            new = drawn < place.word ? drawn : drawn + 1
            words[place.class, default: [:]][place.word] = new
        }
        let takesParticiple =
            previous.hasSuffix("ly")
            || ["has", "have", "had", "is", "are", "was", "were", "be", "been", "being"].contains(previous)
        let form = wordClass.kind == .verb && place.form == 2 && takesParticiple ? 4 : place.form
        return new.map { wordClass.words[$0][form] }
    }

    /// A number of as many digits; a day of a month and a year stay what they are.
    private mutating func number(_ old: String) -> String {
        if let known = numbers[old] { return known }
        let new = other(than: old) { generator in
            switch Int(old) {
            case let day? where 1...9 ~= day && old.count == 1: return String(1 + generator.nextInt(below: 9))
            case let day? where 10...31 ~= day && old.count == 2: return String(10 + generator.nextInt(below: 22))
            case let year? where 1900...2099 ~= year && old.count == 4:
                return String(1900 + generator.nextInt(below: 130))
            default: break
            }
            return String(
                old.enumerated().map { index, digit in
                    let lowest = index == 0 && digit != "0" ? 1 : 0
                    return Character(String(lowest + generator.nextInt(below: 10 - lowest)))
                })
        }
        numbers[old] = new
        return new
    }

    /// Where too few content words were in a class, replaces others by words with the same ending.
    private mutating func replaceMore(of content: [Int], share: Double, isTitle: Bool, in pieces: inout [Piece]) {
        let wanted = Int((Double(content.count) * share).rounded(.up))
        var missing = wanted - content.count { pieces[$0].isReplaced }
        guard missing > 0 else { return }
        var candidates = content.filter { index in
            // All words of a title begin with a capital.
            let word = pieces[index].text
            let rest = isTitle ? word.dropFirst() : word[...]
            return !pieces[index].isReplaced && !fixed.contains(word) && word.allSatisfy(\.isASCII)
                && rest.allSatisfy(\.isLowercase)
        }
        generator.shuffle(&candidates)
        for index in candidates where missing > 0 {
            let old = pieces[index].text.lowercased()
            let new = names[old] ?? learn(old) { Self.wordLike(old, &$0) }
            pieces[index].text = pieces[index].text == old ? new : new.prefix(1).uppercased() + new.dropFirst()
            pieces[index].isReplaced = true
            missing -= 1
        }
    }

    private static func wordLike(_ old: String, _ generator: inout SeededGenerator) -> String {
        func draw(_ kind: WordClass.Kind, _ form: Int) -> String {
            WordBank.classes.filter { $0.kind == kind }.pick(&generator).words.pick(&generator)[form]
        }
        if old.hasSuffix("ly") { return (WordBank.byName["manner"]?.words ?? [[old]]).pick(&generator)[0] }
        if old.hasSuffix("ing") { return draw(.verb, 3) }
        if old.hasSuffix("ed") { return draw(.verb, 2) }
        if old.hasSuffix("s"), !old.hasSuffix("ss") { return draw(.noun, 1) }
        return draw(.noun, 0).lowercased()
    }

    /// Gives "a" and "an" before a replaced word the form that the new word takes.
    private static func fixArticles(_ pieces: inout [Piece]) {
        for index in pieces.indices where index >= 2 && pieces[index].isReplaced && pieces[index].kind == .word {
            let article = pieces[index - 2].text
            guard pieces[index - 1].text == " ", ["a", "an", "A", "An"].contains(article),
                let first = pieces[index].text.first
            else { continue }
            pieces[index - 2].text = article.prefix(1) + ("aeiouAEIOU".contains(first) ? "n" : "")
        }
    }

    // MARK: Code

    /// Renames what the code defines, changes its numbers and the words of its comments and strings.
    private mutating func code(_ text: String) -> String {
        var tokens: [Substring] = []
        var rest = Substring(text)
        func isName(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber || character == "_")
        }
        while let first = rest.first {
            let end =
                isName(first)
                ? rest.firstIndex { !isName($0) } ?? rest.endIndex : rest.index(after: rest.startIndex)
            tokens.append(rest[..<end])
            rest = rest[end...]
        }
        for (index, token) in tokens.enumerated() where Self.isDefined(index, in: tokens) {
            let name = String(token)
            if identifiers[name] == nil, !Self.isReserved(name) {
                identifiers[name] = identifier(like: name)
            }
        }
        return tokens.map { token in
            let token = String(token)
            if let new = identifiers[token] { return new }
            if token.allSatisfy(\.isNumber), !["0", "1", "2"].contains(token) { return number(token) }
            return Self.isReserved(token) || token.count < 4 ? token : ofSameClass(token, after: "") ?? token
        }.joined()
    }

    private static func isReserved(_ token: String) -> Bool {
        CodeBank.reserved.contains(token.lowercased()) || CodeBank.definers.contains(token.lowercased())
    }

    /// Whether the token is a name that is defined here: after a word such as `func`, after `$`, or before `:` as a
    /// parameter.
    private static func isDefined(_ index: Int, in tokens: [Substring]) -> Bool {
        guard let first = tokens[index].first, first.isLetter || first == "_" else { return false }
        if index >= 1, tokens[index - 1] == "$" { return true }
        guard index >= 2, tokens[index - 1] == " " || tokens[index - 1] == "(" else {
            return index >= 1 && tokens[index - 1] == "(" && index + 1 < tokens.count && tokens[index + 1] == ":"
        }
        if CodeBank.definers.contains(String(tokens[index - 2]).lowercased()) { return true }
        return index + 1 < tokens.count && tokens[index + 1] == ":" && [",", "("].contains(tokens[index - 2])
    }

    /// A name in the same style: `snake_case` and `camelCase` keep their first word.
    private mutating func identifier(like old: String) -> String {
        if old.count <= 2 { return other(than: old) { String("abcdefghkmnpqrstuvwxyz".map(\.self).pick(&$0)) } }
        let verb = CodeBank.verbs.pick(&generator)
        let noun = CodeBank.nouns.pick(&generator)
        if old.dropFirst().contains("_") {
            let parts = old.split(separator: "_")
            return parts.count > 2 ? "\(parts[0])_\(verb)_\(noun)" : "\(parts[0])_\(noun)"
        }
        let hasHump = old.dropFirst().contains(where: \.isUppercase)
        func capital(_ word: String) -> String { word.prefix(1).uppercased() + word.dropFirst() }
        guard hasHump else { return old.first?.isUppercase == true ? capital(noun) : noun }
        let firstWord = old.prefix(1) + old.dropFirst().prefix { !$0.isUppercase }
        return firstWord + capital(verb) + capital(noun)
    }
}

extension String {
    /// The string with everything but the white space at its ends replaced.
    fileprivate func replacingTrimmed(by value: String) -> String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return self }
        return String(self[..<first]) + value + String(self[index(after: last)...])
    }
}

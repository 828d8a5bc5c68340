/// The Porter stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980) with the extensions
/// that NLTK turns on by default.
///
/// The extensions: a short list of irregular words, words of one or two letters left alone, `-ies`/`-ied` of
/// four-letter words become `-ie`, `y` becomes `i` only after a consonant, `-bli` instead of `-abli`, `-fulli`,
/// `-logi`, and `-alli` tried again after it is cut. Anything but `a`, `e`, `i`, `o`, `u` and some `y` counts as a
/// consonant, digits included.
public enum PorterStemmer {
    /// The stem of a word, lower-cased first.
    /// - Parameter word: one word of ASCII letters and digits; other scalars count as consonants.
    /// - Returns: the stem; never longer than the word plus one letter.
    public static func stem(_ word: String) -> String {
        let lowered = word.lowercased()
        if let irregular = irregular[lowered] { return irregular }
        guard lowered.unicodeScalars.count > 2 else { return lowered }
        return String(decoding: stem(Array(lowered.utf8)), as: UTF8.self)
    }

    /// The stem of a lower-case word given as UTF-8 bytes, without the list of irregular words.
    static func stem(_ word: [UInt8]) -> [UInt8] {
        step5b(step5a(step4(step3(step2(step1c(step1b(step1a(word))))))))
    }

    private static let irregular: [String: String] = [
        "sky": "sky", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
        "innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing", "cannings": "canning",
        "canning": "canning", "howe": "howe", "proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
    ]

    // MARK: Conditions of the paper

    /// For each letter whether it is a consonant; `y` is one unless the letter before it is.
    private static func consonants(_ word: some Collection<UInt8>) -> [Bool] {
        var flags: [Bool] = []
        flags.reserveCapacity(word.count)
        for letter in word {
            switch letter {
            case UInt8(ascii: "a"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "u"):
                flags.append(false)
            case UInt8(ascii: "y"):
                flags.append(!(flags.last ?? false))
            default:
                flags.append(true)
            }
        }
        return flags
    }

    /// The paper's m: how often a vowel is followed by a consonant.
    private static func measure(_ word: some Collection<UInt8>) -> Int {
        let flags = consonants(word)
        return zip(flags, flags.dropFirst()).count { !$0 && $1 }
    }

    /// The paper's *v*.
    private static func containsVowel(_ word: some Collection<UInt8>) -> Bool {
        consonants(word).contains(false)
    }

    /// The paper's *d.
    private static func endsWithDoubleConsonant(_ word: [UInt8]) -> Bool {
        word.count >= 2 && word[word.count - 1] == word[word.count - 2] && consonants(word)[word.count - 1]
    }

    /// The paper's *o, and also a two-letter vowel-consonant word.
    private static func endsWithShortSyllable(_ word: [UInt8]) -> Bool {
        let flags = consonants(word)
        if word.count == 2 { return !flags[0] && flags[1] }
        guard let last = word.last, word.count >= 3 else { return false }
        let end = word.count - 1
        return flags[end - 2] && !flags[end - 1] && flags[end]
            && last != UInt8(ascii: "w") && last != UInt8(ascii: "x") && last != UInt8(ascii: "y")
    }

    private static func hasSuffix(_ word: [UInt8], _ suffix: StaticString) -> Bool {
        suffix.withUTF8Buffer { word.count >= $0.count && word.suffix($0.count).elementsEqual($0) }
    }

    private static func replacingSuffix(_ word: [UInt8], count: Int, by replacement: StaticString) -> [UInt8] {
        replacement.withUTF8Buffer { word.dropLast(count) + $0 }
    }

    private typealias Rule = (suffix: StaticString, replacement: StaticString)

    /// Applies the first rule whose suffix the word has, if the rest of the word meets the condition; a rule whose
    /// condition fails ends the step.
    private static func apply(
        _ rules: [Rule], to word: [UInt8], if condition: (ArraySlice<UInt8>) -> Bool = { _ in true }
    ) -> [UInt8] {
        guard let rule = rules.first(where: { hasSuffix(word, $0.suffix) }) else { return word }
        let count = rule.suffix.utf8CodeUnitCount
        return condition(word.dropLast(count)) ? replacingSuffix(word, count: count, by: rule.replacement) : word
    }

    // MARK: Steps

    private static func step1a(_ word: [UInt8]) -> [UInt8] {
        if word.count == 4, hasSuffix(word, "ies") { return replacingSuffix(word, count: 3, by: "ie") }
        return apply([("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")], to: word)
    }

    private static func step1b(_ word: [UInt8]) -> [UInt8] {
        if hasSuffix(word, "ied") { return replacingSuffix(word, count: 3, by: word.count == 4 ? "ie" : "i") }
        if hasSuffix(word, "eed") {
            return measure(word.dropLast(3)) > 0 ? replacingSuffix(word, count: 3, by: "ee") : word
        }
        let stem: [UInt8]
        if hasSuffix(word, "ed"), containsVowel(word.dropLast(2)) {
            stem = word.dropLast(2)
        } else if hasSuffix(word, "ing"), containsVowel(word.dropLast(3)) {
            stem = word.dropLast(3)
        } else {
            return word
        }
        if hasSuffix(stem, "at") || hasSuffix(stem, "bl") || hasSuffix(stem, "iz") {
            return replacingSuffix(stem, count: 0, by: "e")
        }
        if endsWithDoubleConsonant(stem) {
            let keepsDouble = [UInt8(ascii: "l"), UInt8(ascii: "s"), UInt8(ascii: "z")].contains(stem[stem.count - 1])
            return keepsDouble ? stem : stem.dropLast()
        }
        return measure(stem) == 1 && endsWithShortSyllable(stem) ? replacingSuffix(stem, count: 0, by: "e") : stem
    }

    private static func step1c(_ word: [UInt8]) -> [UInt8] {
        apply([("y", "i")], to: word) { $0.count > 1 && consonants($0).last == true }
    }

    private static func step2(_ word: [UInt8]) -> [UInt8] {
        if hasSuffix(word, "alli"), measure(word.dropLast(4)) > 0 {
            return step2(replacingSuffix(word, count: 4, by: "al"))
        }
        let isLogi = hasSuffix(word, "logi")
        return apply(
            [
                ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"),
                ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"),
                ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"),
                ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
                ("fulli", "ful"), ("logi", "log"),
            ], to: word
        ) { stem in
            // `-logi` is measured with its `l`.
            measure(isLogi ? word.dropLast(3) : stem) > 0
        }
    }

    private static func step3(_ word: [UInt8]) -> [UInt8] {
        apply(
            [
                ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""),
                ("ness", ""),
            ], to: word
        ) { measure($0) > 0 }
    }

    private static func step4(_ word: [UInt8]) -> [UInt8] {
        let isIon = hasSuffix(word, "ion")
        return apply(
            [
                ("al", ""), ("ance", ""), ("ence", ""), ("er", ""), ("ic", ""), ("able", ""), ("ible", ""),
                ("ant", ""), ("ement", ""), ("ment", ""), ("ent", ""), ("ion", ""), ("ou", ""), ("ism", ""),
                ("ate", ""), ("iti", ""), ("ous", ""), ("ive", ""), ("ize", ""),
            ], to: word
        ) { stem in
            measure(stem) > 1 && (!isIon || stem.last == UInt8(ascii: "s") || stem.last == UInt8(ascii: "t"))
        }
    }

    private static func step5a(_ word: [UInt8]) -> [UInt8] {
        guard hasSuffix(word, "e") else { return word }
        let stem = Array(word.dropLast())
        let m = measure(stem)
        return m > 1 || (m == 1 && !endsWithShortSyllable(stem)) ? stem : word
    }

    private static func step5b(_ word: [UInt8]) -> [UInt8] {
        hasSuffix(word, "ll") && measure(word.dropLast()) > 1 ? Array(word.dropLast()) : word
    }
}

/// The character classes that the reference tokenizers test, as bit flags of one scalar.
///
/// The reference library takes each class from another version of Unicode: its regular expressions from 16.0, its BERT
/// punctuation from 8.0, and so on. The scalars that a later version added are told apart by their age, so that a
/// newer Swift runtime gives the same ids.
struct CharacterClass: OptionSet {
    let rawValue: UInt16

    /// `\p{L}`
    static let letter = CharacterClass(rawValue: 1 << 0)
    /// `\p{N}`
    static let number = CharacterClass(rawValue: 1 << 1)
    /// `\s`: the White_Space property.
    static let whitespace = CharacterClass(rawValue: 1 << 2)
    /// `\p{M}`
    static let mark = CharacterClass(rawValue: 1 << 3)
    /// `[\p{Lu}\p{Lt}]`
    static let upper = CharacterClass(rawValue: 1 << 4)
    /// `\p{Ll}`
    static let lower = CharacterClass(rawValue: 1 << 5)
    /// `[\p{Lm}\p{Lo}]`
    static let uncased = CharacterClass(rawValue: 1 << 6)
    /// Numbers as the digit splitter tests them: N of the newest version.
    static let digit = CharacterClass(rawValue: 1 << 7)
    /// BERT's punctuation: P of Unicode 8 and all ASCII symbols.
    static let punctuation = CharacterClass(rawValue: 1 << 8)
    /// `\w`: alphabetic, marks, decimal digits, connectors and join controls.
    static let word = CharacterClass(rawValue: 1 << 9)
    /// What BERT's cleaning removes: control, format and private-use characters, and U+FFFD.
    static let removable = CharacterClass(rawValue: 1 << 10)
    /// What the StripAccents normalizer removes: M of Unicode 9.
    static let accent = CharacterClass(rawValue: 1 << 11)
    /// What BERT's accent stripping removes: Mn of Unicode 8.
    static let nonspacingMark = CharacterClass(rawValue: 1 << 12)
    /// The ideographs that BERT isolates.
    static let ideograph = CharacterClass(rawValue: 1 << 13)

    /// The classes of a scalar value.
    @inline(__always)
    static func of(_ value: UInt32) -> CharacterClass {
        value < 0x10000 ? basicPlane[Int(value)] : compute(value)
    }

    /// One entry for each code point below 0x10000; surrogates have no class.
    private static let basicPlane: [CharacterClass] = (UInt32(0)..<0x10000).map(compute)

    private static func compute(_ value: UInt32) -> CharacterClass {
        guard let scalar = Unicode.Scalar(value) else { return [] }
        let properties = scalar.properties
        let category = properties.generalCategory
        var result: CharacterClass = isIdeograph(value) ? .ideograph : []
        if properties.isWhitespace { result.insert(.whitespace) }
        if value < 0x80 && isASCIIPunctuation(value) { result.insert(.punctuation) }
        if value == 0xFFFD || value == 0x166D || value == 0x111C9 {
            result.insert(value == 0xFFFD ? .removable : .punctuation)
        }
        guard let age = properties.age else { return result }
        let inRegexVersion = age.major <= 16

        switch category {
        case .uppercaseLetter, .titlecaseLetter:
            if inRegexVersion { result.formUnion([.letter, .upper]) }
        case .lowercaseLetter:
            if inRegexVersion { result.formUnion([.letter, .lower]) }
        case .otherLetter, .modifierLetter:
            // U+0295 was a lowercase letter before Unicode 17.
            if inRegexVersion { result.formUnion([.letter, value == 0x295 ? .lower : .uncased]) }
        case .decimalNumber, .letterNumber, .otherNumber:
            result.insert(.digit)
            if inRegexVersion { result.insert(.number) }
        case .nonspacingMark, .spacingMark, .enclosingMark:
            if inRegexVersion { result.insert(.mark) }
            if age.major <= 9 && value != 0x111C9 { result.insert(.accent) }
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            if age.major <= 8 { result.insert(.punctuation) }
        case .control, .format, .privateUse:
            if age.major <= 8 && value != 0x09 && value != 0x0A && value != 0x0D { result.insert(.removable) }
        default:
            break
        }
        if (category == .nonspacingMark && age.major <= 8 && !laterNonspacing.contains(value))
            || value == 0x1734 || value == 0x1171E
        {
            result.insert(.nonspacingMark)
        }
        if value == 0x1CF2 || value == 0x1CF3 { result.insert(.accent) }
        if inRegexVersion {
            let isWord =
                properties.isAlphabetic || properties.isJoinControl || category == .decimalNumber
                || category == .connectorPunctuation || result.contains(.mark)
            if isWord { result.insert(.word) }
        }
        return result
    }

    /// Became Mn after Unicode 8.
    private static let laterNonspacing: Set<UInt32> = [0x1885, 0x1886, 0xA9BD, 0x111C9]

    private static func isASCIIPunctuation(_ value: UInt32) -> Bool {
        switch value {
        case 33...47, 58...64, 91...96, 123...126: true
        default: false
        }
    }

    private static func isIdeograph(_ value: UInt32) -> Bool {
        switch value {
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
            0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}

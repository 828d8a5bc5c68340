/// The patterns that also cut between a lower-case and an upper-case letter: Tekken's (Mistral) and o200k's.
///
/// With U = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and W = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`, Tekken's is
/// `[^\r\n\p{L}\p{N}]?U*W+|[^\r\n\p{L}\p{N}]?U+W*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
/// Every variant matches everywhere, so there are no gaps.
struct CaseAwareScanner: PatternScanner {
    /// How many digits make one piece at most.
    let maximumDigits: Int
    /// Whether an English contraction belongs to the word before it.
    let takesContraction: Bool

    private static let upperSide: CharacterClass = [.upper, .uncased, .mark]
    private static let lowerSide: CharacterClass = [.lower, .uncased, .mark]

    /// The variants by the text of their patterns.
    static let variants: [(pattern: String, scanner: CaseAwareScanner)] = [
        (
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
                + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
                + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            CaseAwareScanner(maximumDigits: 1, takesContraction: false)
        ),
        (
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
                + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
                + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
                + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
                + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
            CaseAwareScanner(maximumDigits: 3, takesContraction: true)
        ),
    ]

    func next(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool) {
        let (value, length) = UTF8Scalars.decode(bytes, at: start)
        let classes = CharacterClass.of(value)
        let mayLead = value != 0x0A && value != 0x0D && classes.isDisjoint(with: [.letter, .number])

        // Either word alternative is tried with the leading scalar first, then without it.
        for alternative in [word, capitals] {
            var match = mayLead && start + length < end ? alternative(bytes, start + length, end) : nil
            if match == nil { match = alternative(bytes, start, end) }
            if let match {
                if takesContraction && match < end {
                    return (contraction(bytes, match, end, ignoresCase: true) ?? match, true)
                }
                return (match, true)
            }
        }
        if classes.contains(.number) {
            var position = start + length
            for _ in 1..<max(1, maximumDigits) where position < end {
                let (value, length) = UTF8Scalars.decode(bytes, at: position)
                if !CharacterClass.of(value).contains(.number) { break }
                position += length
            }
            return (position, true)
        }
        let excluded: CharacterClass = [.whitespace, .letter, .number]
        let body = value == 0x20 && start + 1 < end ? start + 1 : start
        if CharacterClass.of(UTF8Scalars.decode(bytes, at: body).value).isDisjoint(with: excluded) {
            var position = run(withNoneOf: excluded, bytes, body, end)
            while position < end && (bytes[position] == 0x0A || bytes[position] == 0x0D || bytes[position] == 0x2F) {
                position += 1
            }
            return (position, true)
        }
        if let match = lineBreaks(bytes, start, end) { return (match, true) }
        return (whitespaceRun(bytes, start, end), true)
    }

    /// `U*W+`: the end of the match, or nil.
    private func word(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int? {
        var position = start
        // Where the last scalar of the run that W takes as well ends: what is left after backtracking.
        var shared: Int?
        while position < end {
            let (value, length) = UTF8Scalars.decode(bytes, at: position)
            let classes = CharacterClass.of(value)
            if classes.isDisjoint(with: Self.upperSide) { break }
            position += length
            if !classes.isDisjoint(with: Self.lowerSide) { shared = position }
        }
        let stop = run(of: Self.lowerSide, bytes, position, end)
        return stop > position ? stop : shared
    }

    /// `U+W*`: the end of the match, or nil.
    private func capitals(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int? {
        let position = run(of: Self.upperSide, bytes, start, end)
        return position > start ? run(of: Self.lowerSide, bytes, position, end) : nil
    }
}

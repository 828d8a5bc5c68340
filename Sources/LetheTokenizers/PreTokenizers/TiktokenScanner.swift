/// The patterns that descend from cl100k: Llama-3's, Qwen's and their relatives, which differ in a few places.
///
/// All begin with `(?i:'s|'t|'re|'ve|'m|'ll|'d)` and end with `\s*[\r\n]+|\s+(?!\S)|\s+`. Every variant matches
/// everywhere, so there are no gaps.
struct TiktokenScanner: PatternScanner {
    /// How many digits make one piece at most.
    let maximumDigits: Int
    /// Whether combining marks count as letters.
    let marksAreLetters: Bool

    /// The variants by the text of their patterns: Llama-3's, Qwen2's and Qwen3.5's.
    static let variants: [(pattern: String, scanner: TiktokenScanner)] = [
        (
            contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces,
            TiktokenScanner(maximumDigits: 3, marksAreLetters: false)
        ),
        (
            contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces,
            TiktokenScanner(maximumDigits: 1, marksAreLetters: false)
        ),
        (
            contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"# + spaces,
            TiktokenScanner(maximumDigits: 1, marksAreLetters: true)
        ),
    ]

    private static let contractions = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)"#
    private static let spaces = #"\s*[\r\n]+|\s+(?!\S)|\s+"#

    func next(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool) {
        if let match = contraction(bytes, start, end, ignoresCase: true) { return (match, true) }
        let letters: CharacterClass = marksAreLetters ? [.letter, .mark] : .letter
        let (value, length) = UTF8Scalars.decode(bytes, at: start)
        let classes = CharacterClass.of(value)
        let isLineBreak = value == 0x0A || value == 0x0D

        // [^\r\n\p{L}\p{N}]?\p{L}+ : one scalar in front is taken when a letter follows it.
        if !isLineBreak && classes.isDisjoint(with: [.letter, .number]) {
            if start + length < end {
                let following = CharacterClass.of(UTF8Scalars.decode(bytes, at: start + length).value)
                if !following.isDisjoint(with: letters) {
                    return (run(of: letters, bytes, start + length, end), true)
                }
            }
        }
        if !classes.isDisjoint(with: letters) { return (run(of: letters, bytes, start, end), true) }
        if classes.contains(.number) {
            var position = start + length
            for _ in 1..<max(1, maximumDigits) where position < end {
                let (value, length) = UTF8Scalars.decode(bytes, at: position)
                if !CharacterClass.of(value).contains(.number) { break }
                position += length
            }
            return (position, true)
        }

        //  ?[^\s\p{L}\p{N}]+[\r\n]*
        let excluded = letters.union([.whitespace, .number])
        let body = value == 0x20 && start + 1 < end ? start + 1 : start
        if CharacterClass.of(UTF8Scalars.decode(bytes, at: body).value).isDisjoint(with: excluded) {
            var position = run(withNoneOf: excluded, bytes, body, end)
            while position < end && (bytes[position] == 0x0A || bytes[position] == 0x0D) { position += 1 }
            return (position, true)
        }
        if let match = lineBreaks(bytes, start, end) { return (match, true) }
        return (whitespaceRun(bytes, start, end), true)
    }
}

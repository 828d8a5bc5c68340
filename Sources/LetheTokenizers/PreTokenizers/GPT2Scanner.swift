/// GPT-2's pattern, `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
///
/// It matches everywhere, so there are no gaps.
struct GPT2Scanner: PatternScanner {
    static let pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    func next(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool) {
        (next(bytes, start, end), true)
    }

    /// The end of the match that begins at `start`.
    func next(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        if let match = contraction(bytes, start, end, ignoresCase: false) { return match }
        let body = bytes[start] == 0x20 && start + 1 < end ? start + 1 : start
        let classes = CharacterClass.of(UTF8Scalars.decode(bytes, at: body).value)
        if classes.contains(.letter) { return run(of: .letter, bytes, body, end) }
        if classes.contains(.number) { return run(of: .number, bytes, body, end) }
        if !classes.contains(.whitespace) {
            return run(withNoneOf: [.whitespace, .letter, .number], bytes, body, end)
        }
        return whitespaceRun(bytes, start, end)
    }
}

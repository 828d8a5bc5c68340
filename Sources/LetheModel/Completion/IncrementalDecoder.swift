import LetheTokenizers

/// Turns tokens into text one at a time, holding back bytes that are no whole character yet.
///
/// What a token adds depends on its neighbours (blanks at a word's start, characters of several tokens), so each is
/// decoded together with those before it back to the last piece that was given out.
struct IncrementalDecoder {
    /// Tokens of a prompt that give the first new token its context.
    static let contextTokens = 8

    private let tokenizer: any Tokenizer
    private let skipSpecialTokens: Bool
    private var window: [Int32]
    /// How many tokens of the window were given out.
    private var given: Int

    /// Starts after some tokens, whose text is not given out.
    init(_ tokenizer: any Tokenizer, after context: [Int32] = [], skipSpecialTokens: Bool) {
        self.tokenizer = tokenizer
        self.skipSpecialTokens = skipSpecialTokens
        window = context.suffix(Self.contextTokens)
        given = window.count
    }

    /// The text that a token completes; empty while characters are incomplete.
    mutating func append(_ token: Int32) -> String {
        window.append(token)
        return take(whole: true)
    }

    /// The text that was held back, its incomplete characters as U+FFFD.
    mutating func finish() -> String { take(whole: false) }

    private mutating func take(whole: Bool) -> String {
        let before = tokenizer.decode(Array(window[..<given]), skipSpecialTokens: skipSpecialTokens)
        let after = tokenizer.decode(window, skipSpecialTokens: skipSpecialTokens)
        if whole, after.utf8.reversed().starts(with: "\u{FFFD}".utf8.reversed()) { return "" }
        let old = given
        given = window.count
        guard after.utf8.count > before.utf8.count else { return "" }
        window.removeFirst(old)
        given = window.count
        return String(decoding: after.utf8.dropFirst(before.utf8.count), as: UTF8.self)
    }
}

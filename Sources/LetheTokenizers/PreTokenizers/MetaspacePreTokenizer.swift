/// Writes spaces as a visible character, as SentencePiece does, and cuts in front of it.
struct MetaspacePreTokenizer: PreTokenizer {
    /// Where a replacement character is put in front of a piece that does not begin with one.
    enum PrependScheme: String {
        /// Every piece.
        case always
        /// The piece at the very beginning of the text.
        case first
        /// No piece.
        case never
    }

    /// The UTF-8 of the visible character, "▁" as a rule.
    let replacement: [UInt8]
    let scheme: PrependScheme
    /// Whether the text is cut in front of every replacement character.
    let splits: Bool

    func apply(to text: inout PreTokenizedText) throws {
        let replacement = replacement
        let scheme = scheme
        try text.rewrite { bytes, piece, output in
            let begins =
                bytes[piece.start] == 0x20
                || bytes[piece.start..<piece.end].starts(with: replacement)
            if !begins && (scheme == .always || (scheme == .first && piece.isTextStart)) {
                output.append(contentsOf: replacement)
            }
            for index in piece.start..<piece.end {
                if bytes[index] == 0x20 {
                    output.append(contentsOf: replacement)
                } else {
                    output.append(bytes[index])
                }
            }
        }
        if splits {
            let scanner = LiteralScanner(literal: replacement)
            text.split(.mergedWithNext) { bytes, start, end in scanner.next(bytes, start, end) }
        }
    }
}

/// Writes every byte in ``ByteAlphabet``, after cutting the text with GPT-2's pattern.
struct ByteLevelPreTokenizer: PreTokenizer {
    /// Whether a piece that does not begin with a space gets a space in front.
    let addPrefixSpace: Bool
    /// Whether the text is cut; otherwise an earlier step has done so.
    let usesPattern: Bool

    func apply(to text: inout PreTokenizedText) throws {
        if addPrefixSpace {
            try text.rewrite { bytes, piece, output in
                if bytes[piece.start] != 0x20 { output.append(0x20) }
                output.append(contentsOf: bytes[piece.start..<piece.end])
            }
        }
        if usesPattern {
            text.split(.isolated) { bytes, start, end in (GPT2Scanner().next(bytes, start, end), true) }
        }
        try text.rewrite { bytes, piece, output in
            for index in piece.start..<piece.end { ByteAlphabet.append(bytes[index], to: &output) }
        }
    }
}

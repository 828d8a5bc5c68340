/// Cuts at white space, which is dropped.
struct WhitespaceSplitPreTokenizer: PreTokenizer {
    func apply(to text: inout PreTokenizedText) throws {
        text.split(.removed) { CharacterClass.of($0).contains(.whitespace) }
    }
}

/// `\w+|[^\w\s]+`: runs of word characters and runs of other characters; white space is dropped.
struct WhitespacePreTokenizer: PreTokenizer {
    func apply(to text: inout PreTokenizedText) throws {
        let scanner = WordScanner()
        text.split(.removed, inverted: true) { bytes, start, end in scanner.next(bytes, start, end) }
    }

    private struct WordScanner: PatternScanner {
        func next(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool) {
            let classes = CharacterClass.of(UTF8Scalars.decode(bytes, at: start).value)
            if classes.contains(.word) { return (run(of: .word, bytes, start, end), true) }
            if classes.contains(.whitespace) { return (run(of: .whitespace, bytes, start, end), false) }
            return (run(withNoneOf: [.word, .whitespace], bytes, start, end), true)
        }
    }
}

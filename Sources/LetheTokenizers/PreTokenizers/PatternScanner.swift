/// A hand-written scanner for one known regular expression.
///
/// Regular expressions in a tokenizer file are recognised by their exact text and never interpreted, so a file cannot
/// bring one that backtracks without end.
protocol PatternScanner: Sendable {
    /// The match or the gap that begins at `start`, which is below `end`.
    func next(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool)
}

/// Shared steps of the patterns.
extension PatternScanner {
    /// The end of the run of scalars, from `position` on, that have one of these classes.
    @inline(__always)
    func run(of classes: CharacterClass, _ bytes: [UInt8], _ position: Int, _ end: Int) -> Int {
        var position = position
        while position < end {
            let (value, length) = UTF8Scalars.decode(bytes, at: position)
            if CharacterClass.of(value).isDisjoint(with: classes) { break }
            position += length
        }
        return position
    }

    /// The end of the run of scalars, from `position` on, that have none of these classes.
    @inline(__always)
    func run(withNoneOf classes: CharacterClass, _ bytes: [UInt8], _ position: Int, _ end: Int) -> Int {
        var position = position
        while position < end {
            let (value, length) = UTF8Scalars.decode(bytes, at: position)
            if !CharacterClass.of(value).isDisjoint(with: classes) { break }
            position += length
        }
        return position
    }

    /// `\s+(?!\S)|\s+` at white space: the whole run at the end of the text or when it is one scalar, otherwise all of
    /// it but the last scalar.
    @inline(__always)
    func whitespaceRun(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var position = start
        var last = start
        while position < end {
            let (value, length) = UTF8Scalars.decode(bytes, at: position)
            if !CharacterClass.of(value).contains(.whitespace) { break }
            last = position
            position += length
        }
        return position == end || last == start ? position : last
    }

    /// `\s*[\r\n]+`: the end of the last line break of the white space that begins at `start`, or nil without one.
    func lineBreaks(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int? {
        var position = start
        var result: Int?
        while position < end {
            let (value, length) = UTF8Scalars.decode(bytes, at: position)
            if !CharacterClass.of(value).contains(.whitespace) { break }
            position += length
            if value == 0x0A || value == 0x0D { result = position }
        }
        return result
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d` at an apostrophe: the end of the match, or nil.
    ///
    /// - Parameter ignoresCase: Whether capitals match, and U+017F (long s), whose case folding is s.
    @inline(__always)
    func contraction(_ bytes: [UInt8], _ start: Int, _ end: Int, ignoresCase: Bool) -> Int? {
        guard bytes[start] == 0x27, start + 1 < end else { return nil }
        let fold: UInt8 = ignoresCase ? 0x20 : 0
        let first = bytes[start + 1] | fold
        switch first {
        case 0x73, 0x74, 0x6D, 0x64:  // s t m d
            return start + 2
        case 0x72, 0x76:  // re ve
            return start + 2 < end && bytes[start + 2] | fold == 0x65 ? start + 3 : nil
        case 0x6C:  // ll
            return start + 2 < end && bytes[start + 2] | fold == 0x6C ? start + 3 : nil
        default:
            if ignoresCase && bytes[start + 1] == 0xC5 && start + 2 < end && bytes[start + 2] == 0xBF {
                return start + 3
            }
            return nil
        }
    }
}

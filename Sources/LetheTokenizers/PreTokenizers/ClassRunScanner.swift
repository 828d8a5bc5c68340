/// Runs of characters of one kind: ` {2,}`, `\s+`, `\n` and the like.
struct ClassRunScanner: PatternScanner {
    /// What the run is made of.
    enum Member {
        /// One ASCII character.
        case byte(UInt8)
        /// Any character of a class.
        case classes(CharacterClass)
    }

    let member: Member
    /// Shorter runs are no match.
    let minimum: Int
    /// Longer runs are several matches.
    let maximum: Int

    /// The variants by the text of their patterns.
    static let variants: [(pattern: String, scanner: ClassRunScanner)] = [
        (" {2,}", ClassRunScanner(member: .byte(0x20), minimum: 2, maximum: .max)),
        (" +", ClassRunScanner(member: .byte(0x20), minimum: 1, maximum: .max)),
        (" ", ClassRunScanner(member: .byte(0x20), minimum: 1, maximum: 1)),
        (#"\n"#, ClassRunScanner(member: .byte(0x0A), minimum: 1, maximum: 1)),
        (#"\n+"#, ClassRunScanner(member: .byte(0x0A), minimum: 1, maximum: .max)),
        (#"\s"#, ClassRunScanner(member: .classes(.whitespace), minimum: 1, maximum: 1)),
        (#"\s+"#, ClassRunScanner(member: .classes(.whitespace), minimum: 1, maximum: .max)),
        (#"\p{N}"#, ClassRunScanner(member: .classes(.number), minimum: 1, maximum: 1)),
        (#"\p{N}{1,3}"#, ClassRunScanner(member: .classes(.number), minimum: 1, maximum: 3)),
        (#"\p{N}+"#, ClassRunScanner(member: .classes(.number), minimum: 1, maximum: .max)),
    ]

    func next(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (end: Int, isMatch: Bool) {
        let (position, count) = run(bytes, start, end)
        if count >= minimum { return (position, true) }
        // No match here: the gap reaches to the next match.
        var gap = count > 0 ? position : start + UTF8Scalars.length(first: bytes[start])
        while gap < end {
            let (position, count) = run(bytes, gap, end)
            if count >= minimum { break }
            gap = count > 0 ? position : gap + UTF8Scalars.length(first: bytes[gap])
        }
        return (gap, false)
    }

    private func run(_ bytes: [UInt8], _ start: Int, _ end: Int) -> (end: Int, count: Int) {
        var position = start
        var count = 0
        while position < end && count < maximum {
            let (value, length) = UTF8Scalars.decode(bytes, at: position)
            switch member {
            case .byte(let byte):
                guard value == UInt32(byte) else { return (position, count) }
            case .classes(let classes):
                guard !CharacterClass.of(value).isDisjoint(with: classes) else { return (position, count) }
            }
            position += length
            count += 1
        }
        return (position, count)
    }
}

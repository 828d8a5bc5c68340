/// Replaces a literal text, which is not empty, inside every token.
struct ReplaceDecoder: Decoder {
    let find: [UInt8]
    let replacement: [UInt8]

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.map { $0.replacing(find, with: replacement) }
    }
}

/// Joins all tokens into one.
struct FuseDecoder: Decoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        [tokens.flatMap { $0 }]
    }
}

/// Takes up to a number of one character off the two ends of every token.
struct StripDecoder: Decoder {
    /// UTF-8 of the character.
    let content: [UInt8]
    let start: Int
    let stop: Int

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.map { token in
            var low = 0
            for _ in 0..<start {
                guard token[low...].starts(with: content) else { break }
                low += content.count
            }
            var high = token.count
            for _ in 0..<stop {
                guard high - low >= content.count, token[(high - content.count)..<high].elementsEqual(content) else {
                    break
                }
                high -= content.count
            }
            return Array(token[low..<high])
        }
    }
}

/// Reads runs of byte tokens (`<0x0A>`) back into text; a run that is not UTF-8 becomes one U+FFFD for each byte.
struct ByteFallbackDecoder: Decoder {
    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var run: [UInt8] = []
        func flush() {
            guard !run.isEmpty else { return }
            if String(validating: run, as: UTF8.self) != nil {
                result.append(run)
            } else {
                for _ in run { result.append([0xEF, 0xBF, 0xBD]) }
            }
            run.removeAll()
        }
        for token in tokens {
            if let byte = Self.byte(of: token) {
                run.append(byte)
            } else {
                flush()
                result.append(token)
            }
        }
        flush()
        return result
    }

    private static func byte(of token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == 0x3E, let high = digit(token[3]),
            let low = digit(token[4])
        else { return nil }
        return high << 4 | low
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

/// Reads Metaspace's visible character back into spaces; the one that was put in front of the text is dropped.
struct MetaspaceDecoder: Decoder {
    /// UTF-8 of the visible character.
    let replacement: [UInt8]
    /// Whether the first token's visible characters are dropped instead of read as spaces.
    let dropsFirst: Bool

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            token.replacing(replacement, with: index == 0 && dropsFirst ? [] : [0x20])
        }
    }
}

/// Reads an end-of-word suffix as a space, except at the end of the text.
struct BPEDecoder: Decoder {
    /// The suffix, which is not empty.
    let suffix: [UInt8]

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            token.replacing(suffix, with: index == tokens.count - 1 ? [] : [0x20])
        }
    }
}

/// Joins words with spaces and continuing tokens without their prefix.
struct WordPieceDecoder: Decoder {
    let prefix: [UInt8]
    /// Whether spaces before punctuation and inside English contractions are taken out.
    let cleansUp: Bool

    func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
        tokens.enumerated().map { index, token in
            var text: [UInt8]
            if index > 0 {
                if token.starts(with: prefix) {
                    text = Array(token.dropFirst(prefix.count))
                } else {
                    text = [0x20] + token
                }
            } else {
                text = token
            }
            if cleansUp {
                for (find, replacement) in Self.cleanups { text = text.replacing(find, with: replacement) }
            }
            return text
        }
    }

    private static let cleanups: [([UInt8], [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }
}

extension [UInt8] {
    /// The bytes with every occurrence of `find`, which is not empty, replaced.
    func replacing(_ find: [UInt8], with replacement: [UInt8]) -> [UInt8] {
        guard let first = find.first, count >= find.count else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var index = 0
        while index < count {
            let fits = self[index] == first && count - index >= find.count
            if fits && self[index..<index + find.count].elementsEqual(find) {
                result.append(contentsOf: replacement)
                index += find.count
            } else {
                result.append(self[index])
                index += 1
            }
        }
        return result
    }
}

/// Cuts a text into chunks for the redundancy filter.
public enum TextChunker: Sendable, Equatable {
    /// Lines and sentences, joined while they stay within about this many characters; longer ones stay whole.
    case sentences(characters: Int)
    /// Pieces of a fixed number of characters, as published (8).
    case fixed(characters: Int)

    /// The chunks; joined they are the text.
    public func chunks(_ text: String) -> [String] {
        switch self {
        case .fixed(let size):
            let characters = Array(text)
            return stride(from: 0, to: characters.count, by: max(1, size)).map {
                String(characters[$0..<min($0 + max(1, size), characters.count)])
            }
        case .sentences(let size):
            var chunks: [String] = []
            var current = ""
            for sentence in Self.sentences(text) {
                if !current.isEmpty, current.count + sentence.count > size {
                    chunks.append(current)
                    current = ""
                }
                current += sentence
            }
            if !current.isEmpty { chunks.append(current) }
            // A chunk of white space alone says nothing; it goes with the one before it.
            var merged: [String] = []
            for chunk in chunks {
                if let last = merged.last, chunk.allSatisfy(\.isWhitespace) {
                    merged[merged.count - 1] = last + chunk
                } else {
                    merged.append(chunk)
                }
            }
            return merged
        }
    }

    /// Pieces that end after a line break, or after a sentence's mark and the white space behind it.
    private static func sentences(_ text: String) -> [String] {
        var sentences: [String] = []
        var current = ""
        var endsSentence = false
        for character in text {
            if endsSentence && !character.isWhitespace {
                sentences.append(current)
                current = ""
                endsSentence = false
            }
            current.append(character)
            if character.isNewline {
                sentences.append(current)
                current = ""
                endsSentence = false
            } else if ".!?。！？".contains(character) {
                endsSentence = true
            } else if !character.isWhitespace {
                endsSentence = false
            }
        }
        if !current.isEmpty { sentences.append(current) }
        return sentences
    }
}

import Foundation
import LetheCore
import LetheTokenizers

/// Which words of the items matter: their tokens keep their weight, all others get ``otherFactor`` times theirs. It
/// multiplies w_t of the objectives that have token weights (Yang et al. 2025, section 4).
///
/// The words are personal data, and are not written out.
public struct ImportanceMask: Sendable {
    /// Words or phrases, compared byte by byte with the items' text.
    public let words: Sensitive<[String]>
    /// Factor of the tokens that touch none of them, 0 to 1.
    public let otherFactor: Float

    /// A mask.
    /// - Throws: `bad_data` without a word, for an empty one, or a factor outside 0...1.
    public init(words: [String], otherFactor: Float = 0) throws {
        guard !words.isEmpty, !words.contains(where: \.isEmpty) else {
            throw LetheError(.badData, "an importance mask needs words, and none of them empty")
        }
        guard (0...1).contains(otherFactor) else {
            throw LetheError(.badData, "the factor of unimportant words must be from 0 to 1")
        }
        self.words = Sensitive(words)
        self.otherFactor = otherFactor
    }

    /// One factor for each counted token of a sequence.
    public func factors(_ sequence: TrainingSequence, tokenizer: any Tokenizer) -> [Float] {
        // Where each token ends in the bytes of the text. A character that a token breaks off counts to the token that
        // completes it.
        var ends: [Int] = []
        var text: [UInt8] = []
        for count in 1...max(1, sequence.ids.count) {
            let decoded = tokenizer.decode(Array(sequence.ids.prefix(count)), skipSpecialTokens: false)
            text = Array(decoded.utf8)
            var whole = text[...]
            while whole.suffix(3).elementsEqual([0xEF, 0xBF, 0xBD]) { whole = whole.dropLast(3) }
            ends.append(max(ends.last ?? 0, whole.count))
        }
        var isImportant = [Bool](repeating: false, count: text.count)
        for word in words.reveal().map({ Array($0.utf8) }) where word.count <= text.count {
            for start in 0...(text.count - word.count) where text[start..<start + word.count].elementsEqual(word) {
                for place in start..<start + word.count { isImportant[place] = true }
            }
        }
        return (sequence.ids.count - sequence.targetCount..<sequence.ids.count).map { token in
            let start = min(token == 0 ? 0 : ends[token - 1], text.count)
            let end = max(start, min(ends[token], text.count))
            return isImportant[start..<end].contains(true) ? 1 : otherFactor
        }
    }
}

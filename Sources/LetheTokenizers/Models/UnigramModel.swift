import LetheCore

/// Unigram: of all ways to cut a piece into tokens, the one with the highest sum of log-probabilities, found by
/// Viterbi's algorithm (Kudo 2018).
struct UnigramModel: TokenModel {
    let vocabulary: Vocabulary
    private let scores: [Double]
    private let unknownID: Int32?
    /// Tokens of the 256 bytes, when all of them are there and the model may fall back to them.
    private let byteTokens: [Int32]
    private let unknownScore: Double
    private let trie: TokenTrie

    /// What an unknown character costs below the worst token.
    private static let unknownPenalty = 10.0

    /// - Parameter scores: One log-probability a token, by id.
    init(vocabulary: Vocabulary, scores: [Double], unknownID: Int32?, byteFallback: Bool) {
        self.vocabulary = vocabulary
        self.scores = scores
        self.unknownID = unknownID
        byteTokens = byteFallback ? BPEModel.byteTokens(of: vocabulary) : []
        unknownScore = (scores.min() ?? .infinity) - Self.unknownPenalty
        trie = TokenTrie(vocabulary)
    }

    func tokenize(_ bytes: [UInt8], _ start: Int, _ end: Int, into ids: inout [Int32]) throws {
        let size = end - start
        // The best way to reach each position: its score, the token that ends there and where that token begins.
        var bestScore = [Double](repeating: 0, count: size + 1)
        var bestStart = [Int32](repeating: -1, count: size + 1)
        var bestToken = [Int32](repeating: -1, count: size + 1)
        var position = 0
        while position < size {
            let length = UTF8Scalars.length(first: bytes[start + position])
            let score = bestScore[position]
            var hasSingle = false
            trie.prefixes(of: bytes, start + position, end, below: trie.root) { token, tokenLength in
                let candidate = scores[Int(token)] + score
                let target = position + tokenLength
                if bestStart[target] < 0 || candidate > bestScore[target] {
                    bestScore[target] = candidate
                    bestStart[target] = Int32(position)
                    bestToken[target] = token
                }
                if tokenLength == length { hasSingle = true }
            }
            if !hasSingle {
                let candidate = unknownScore + score
                let target = position + length
                if bestStart[target] < 0 || candidate > bestScore[target] {
                    guard let unknownID else {
                        throw LetheError(
                            .badData, "tokenizer: a character has no token, and the vocabulary has no unknown token")
                    }
                    bestScore[target] = candidate
                    bestStart[target] = Int32(position)
                    bestToken[target] = unknownID
                }
            }
            position += length
        }

        // Back from the end, neighbouring unknown characters joined.
        var path: [(start: Int, end: Int, token: Int32)] = []
        var stop = size
        while stop > 0 {
            let begin = Int(bestStart[stop])
            let token = bestToken[stop]
            if token == unknownID, let last = path.last, last.token == unknownID {
                path[path.count - 1].start = begin
            } else {
                path.append((begin, stop, token))
            }
            stop = begin
        }
        for (begin, stop, token) in path.reversed() {
            guard token == unknownID else {
                ids.append(token)
                continue
            }
            let part = start + begin..<start + stop
            if let known = vocabulary.id(of: bytes, part.lowerBound, part.upperBound) {
                ids.append(known)
            } else if !byteTokens.isEmpty, bytes[part].allSatisfy({ byteTokens[Int($0)] >= 0 }) {
                for byte in bytes[part] { ids.append(byteTokens[Int(byte)]) }
            } else {
                ids.append(token)
            }
        }
    }
}

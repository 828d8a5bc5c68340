import LetheCore

/// WordPiece: a word is cut greedily into the longest tokens from its left; one that cannot be cut whole is the unknown
/// token (Wu et al. 2016; Devlin et al. 2019).
struct WordPieceModel: TokenModel {
    let vocabulary: Vocabulary
    private let unknownID: Int32?
    private let maximumWordScalars: Int
    private let trie: TokenTrie
    /// Where in the trie the tokens that continue a word are.
    private let continuing: TokenTrie.Node

    /// - Parameters:
    ///   - unknownID: The token of words that cannot be cut, and of those that are too long.
    ///   - continuingPrefix: Put before every token of a word but the first, "##" in BERT.
    ///   - maximumWordScalars: Words of more scalars are unknown.
    init(vocabulary: Vocabulary, unknownID: Int32?, continuingPrefix: [UInt8], maximumWordScalars: Int) {
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.maximumWordScalars = maximumWordScalars
        trie = TokenTrie(vocabulary)
        continuing = trie.node(of: continuingPrefix)
    }

    func tokenize(_ bytes: [UInt8], _ start: Int, _ end: Int, into ids: inout [Int32]) throws {
        var scalars = 0
        for index in start..<end where bytes[index] & 0xC0 != 0x80 { scalars += 1 }
        let base = ids.count
        if scalars <= maximumWordScalars {
            var position = start
            while position < end {
                var longest: (id: Int32, length: Int)?
                let node = position == start ? trie.root : continuing
                trie.prefixes(of: bytes, position, end, below: node) { id, length in longest = (id, length) }
                guard let match = longest else { break }
                ids.append(match.id)
                position += match.length
            }
            if position == end { return }
        }
        ids.removeLast(ids.count - base)
        guard let unknownID else {
            throw LetheError(.badData, "tokenizer: a word has no tokens, and the vocabulary has no unknown token")
        }
        ids.append(unknownID)
    }
}

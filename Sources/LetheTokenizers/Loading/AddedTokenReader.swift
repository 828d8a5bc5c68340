import LetheCore

/// Reads the `added_tokens` of a tokenizer.json.
enum AddedTokenReader {
    /// The added tokens in the order of the file.
    ///
    /// A token that the vocabulary has as well has to have its id there; the others are numbered from the size of the
    /// vocabulary on. The reference library renumbers other ids with a warning; here the file is refused.
    static func read(_ value: JSONValue, path: String, vocabulary: Vocabulary) throws -> [AddedToken] {
        guard let entries = value.arrayValue else { throw LetheError(.badData, "\(path) is not an array") }
        guard entries.count <= TokenizerLimits.maximumAddedTokens else {
            throw LetheError(.limitExceeded, "\(path): more than \(TokenizerLimits.maximumAddedTokens) tokens")
        }
        var ids: Set<Int32> = []
        var contents: Set<[UInt8]> = []
        var nextID = vocabulary.count
        return try entries.enumerated().map { index, entry in
            let fields = try JSONFields(entry, path: "\(path)[\(index)]")
            let id = Int32(try fields.integer("id", in: 0...TokenizerLimits.maximumTokens - 1))
            let content = Array(try fields.string("content").utf8)
            guard content.count <= TokenizerLimits.maximumAddedTokenBytes else {
                throw LetheError(
                    .limitExceeded,
                    "\(fields.path).content has more than \(TokenizerLimits.maximumAddedTokenBytes) bytes")
            }
            guard ids.insert(id).inserted else { throw LetheError(.badData, "\(fields.path).id occurs twice") }
            guard contents.insert(content).inserted else {
                throw LetheError(.badData, "\(fields.path).content occurs twice")
            }
            if let known = vocabulary.id(of: content, 0, content.count) {
                guard known == id else {
                    throw LetheError(.badData, "\(fields.path).id differs from the token's id in the vocabulary")
                }
            } else {
                guard Int(id) == nextID, vocabulary.bytes(of: id) == nil else {
                    throw LetheError(.badData, "\(fields.path).id is not \(nextID), the next free id")
                }
                nextID += 1
            }
            let isSpecial = try fields.bool("special", default: false)
            return AddedToken(
                id: id, content: content, isSingleWord: try fields.bool("single_word", default: false),
                stripsLeft: try fields.bool("lstrip", default: false),
                stripsRight: try fields.bool("rstrip", default: false),
                isNormalized: try fields.bool("normalized", default: !isSpecial), isSpecial: isSpecial)
        }
    }
}

import LetheCore

/// Reads the `model` of a tokenizer.json.
enum ModelReader {
    static func read(_ value: JSONValue, path: String) throws -> any TokenModel {
        let fields = try JSONFields(value, path: path)
        let type = try fields.optionalString("type") ?? inferredType(fields)
        switch type {
        case "BPE": return try bpe(fields)
        case "WordPiece": return try wordPiece(fields)
        case "Unigram": return try unigram(fields)
        default: throw fields.unsupported("model \(JSONFields.printable(type))")
        }
    }

    /// Files of early versions name no type; the members tell.
    private static func inferredType(_ fields: JSONFields) throws -> String {
        if fields.object["merges"] != nil { return "BPE" }
        if fields.object["unk_id"] != nil { return "Unigram" }
        if fields.object["max_input_chars_per_word"] != nil { return "WordPiece" }
        throw LetheError(.badData, "\(fields.path).type is missing")
    }

    private static func vocabulary(_ fields: JSONFields) throws -> Vocabulary {
        let vocab = try fields.fields("vocab")
        guard vocab.object.count <= TokenizerLimits.maximumTokens else {
            throw LetheError(
                .limitExceeded, "\(vocab.path): more than \(TokenizerLimits.maximumTokens) tokens")
        }
        let tokens = try vocab.object.entries.enumerated().map { position, entry in
            guard let id = entry.value.intValue else {
                throw LetheError(.badData, "\(vocab.path): the id at position \(position) is not an integer")
            }
            return (token: entry.key, id: id)
        }
        return try Vocabulary(tokens, context: vocab.path)
    }

    // MARK: BPE

    private static func bpe(_ fields: JSONFields) throws -> BPEModel {
        if let dropout = fields.optional("dropout"), dropout.doubleValue != 0 {
            throw fields.unsupported("dropout")
        }
        let vocabulary = try vocabulary(fields)
        var options = BPEModel.Options()
        if let unknown = try fields.optionalString("unk_token") {
            // A name that is no token is an error only for the text that needs it, as in the reference.
            options.unknownID = vocabulary.id(of: unknown)
            options.refusesUnknown = options.unknownID == nil
        }
        options.fuseUnknown = try fields.bool("fuse_unk", default: false)
        options.byteFallback = try fields.bool("byte_fallback", default: false)
        options.ignoreMerges = try fields.bool("ignore_merges", default: false)
        options.continuingPrefix = try affix(fields, "continuing_subword_prefix", default: "")
        options.endOfWordSuffix = try affix(fields, "end_of_word_suffix", default: "")
        let merges = try fields.array("merges").enumerated().map { rank, merge in
            try pair(merge, path: fields.path, rank: rank)
        }
        return try BPEModel(vocabulary: vocabulary, mergePairs: merges, options: options, context: fields.path)
    }

    private static func affix(_ fields: JSONFields, _ key: String, default fallback: String) throws -> [UInt8] {
        fields.optional(key) == nil ? Array(fallback.utf8) : try fields.literal(key, isEmptyAllowed: true)
    }

    /// The two sides of `["left", "right"]`, or of "left right" in older files.
    private static func pair(
        _ merge: JSONValue, path: String, rank: Int
    ) throws -> (left: ArraySlice<UInt8>, right: ArraySlice<UInt8>) {
        if let sides = merge.arrayValue, sides.count == 2, let left = sides[0].stringValue,
            let right = sides[1].stringValue
        {
            return (Array(left.utf8)[...], Array(right.utf8)[...])
        }
        if let text = merge.stringValue {
            let bytes = Array(text.utf8)
            if let space = bytes.firstIndex(of: 0x20), !bytes[(space + 1)...].contains(0x20) {
                return (bytes[..<space], bytes[(space + 1)...])
            }
        }
        throw LetheError(.badData, "\(path).merges[\(rank)] is not a pair of tokens")
    }

    // MARK: WordPiece

    private static func wordPiece(_ fields: JSONFields) throws -> WordPieceModel {
        let vocabulary = try vocabulary(fields)
        return WordPieceModel(
            vocabulary: vocabulary, unknownID: vocabulary.id(of: try fields.optionalString("unk_token") ?? "[UNK]"),
            continuingPrefix: try affix(fields, "continuing_subword_prefix", default: "##"),
            maximumWordScalars: fields.object["max_input_chars_per_word"] == nil
                ? 100 : try fields.integer("max_input_chars_per_word", in: 0...4096))
    }

    // MARK: Unigram

    private static func unigram(_ fields: JSONFields) throws -> UnigramModel {
        let entries = try fields.array("vocab")
        guard entries.count <= TokenizerLimits.maximumTokens else {
            throw LetheError(
                .limitExceeded, "\(fields.path).vocab: more than \(TokenizerLimits.maximumTokens) tokens")
        }
        var tokens: [(token: String, id: Int)] = []
        var scores: [Double] = []
        tokens.reserveCapacity(entries.count)
        scores.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            guard let sides = entry.arrayValue, sides.count == 2, let token = sides[0].stringValue,
                let score = sides[1].doubleValue
            else {
                throw LetheError(.badData, "\(fields.path).vocab[\(index)] is not a token with a score")
            }
            guard token.utf8.count <= TokenizerLimits.maximumUnigramTokenBytes else {
                throw LetheError(
                    .limitExceeded,
                    "\(fields.path).vocab[\(index)] has more than \(TokenizerLimits.maximumUnigramTokenBytes) bytes")
            }
            tokens.append((token, index))
            scores.append(score)
        }
        var unknownID: Int32?
        if fields.optional("unk_id") != nil {
            guard !entries.isEmpty else { throw LetheError(.badData, "\(fields.path).vocab is empty") }
            unknownID = Int32(try fields.integer("unk_id", in: 0...entries.count - 1))
        }
        return UnigramModel(
            vocabulary: try Vocabulary(tokens, context: "\(fields.path).vocab"), scores: scores, unknownID: unknownID,
            byteFallback: try fields.bool("byte_fallback", default: false))
    }
}

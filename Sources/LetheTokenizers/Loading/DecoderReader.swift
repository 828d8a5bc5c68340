import LetheCore

/// Reads the `decoder` of a tokenizer.json.
enum DecoderReader {
    static func read(_ value: JSONValue, path: String, budget: ComponentBudget) throws -> any Decoder {
        try budget.take(path)
        let fields = try JSONFields(value, path: path)
        let type = try fields.type()
        switch type {
        case "Sequence":
            let steps = try fields.array("decoders").enumerated().map { index, step in
                try read(step, path: "\(path).decoders[\(index)]", budget: budget)
            }
            return DecoderSequence(steps: steps)
        case "ByteLevel": return ByteLevelDecoder()
        case "WordPiece":
            return WordPieceDecoder(
                prefix: try fields.literal("prefix", isEmptyAllowed: true),
                cleansUp: try fields.bool("cleanup", default: true))
        case "Metaspace":
            return MetaspaceDecoder(
                replacement: try fields.character("replacement"),
                dropsFirst: try PreTokenizerReader.prependScheme(fields) != .never)
        case "ByteFallback": return ByteFallbackDecoder()
        case "Fuse": return FuseDecoder()
        case "Strip":
            return StripDecoder(
                content: try fields.character("content"), start: try fields.integer("start", in: 0...4096),
                stop: try fields.integer("stop", in: 0...4096))
        case "Replace":
            let pattern = try fields.fields("pattern")
            guard pattern.object.count == 1, pattern.object["String"] != nil else {
                throw pattern.unsupported("a regular expression in a decoder")
            }
            let find = try pattern.literal("String", isEmptyAllowed: false)
            let replacement = try fields.literal("content", isEmptyAllowed: true)
            guard replacement.count <= TokenizerLimits.maximumInsertedBytes else {
                throw LetheError(
                    .limitExceeded, "\(path).content has more than \(TokenizerLimits.maximumInsertedBytes) bytes")
            }
            try budget.takeInsertingDecoder(path)
            return ReplaceDecoder(find: find, replacement: replacement)
        case "BPEDecoder":
            guard fields.optional("suffix") != nil else { return BPEDecoder(suffix: Array("</w>".utf8)) }
            return BPEDecoder(suffix: try fields.literal("suffix", isEmptyAllowed: false))
        default:
            throw fields.unsupported("decoder \(JSONFields.printable(type))")
        }
    }
}

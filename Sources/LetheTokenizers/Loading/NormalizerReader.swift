import LetheCore

/// Reads the `normalizer` of a tokenizer.json.
enum NormalizerReader {
    static func read(_ value: JSONValue, path: String, budget: ComponentBudget) throws -> any Normalizer {
        try budget.take(path)
        let fields = try JSONFields(value, path: path)
        let type = try fields.type()
        switch type {
        case "Sequence":
            let steps = try fields.array("normalizers").enumerated().map { index, step in
                try read(step, path: "\(path).normalizers[\(index)]", budget: budget)
            }
            return NormalizerSequence(steps: steps)
        case "NFC": return UnicodeNormalizer(form: .nfc)
        case "NFD": return UnicodeNormalizer(form: .nfd)
        case "NFKC": return UnicodeNormalizer(form: .nfkc)
        case "NFKD": return UnicodeNormalizer(form: .nfkd)
        case "Lowercase": return LowercaseNormalizer()
        case "StripAccents": return StripAccentsNormalizer()
        case "Strip":
            return StripNormalizer(
                left: try fields.bool("strip_left", default: true), right: try fields.bool("strip_right", default: true)
            )
        case "Prepend":
            return PrependNormalizer(prefix: try fields.literal("prepend", isEmptyAllowed: true))
        case "Replace":
            return ReplaceNormalizer(
                scanner: try PatternReader.read(fields),
                replacement: try fields.literal("content", isEmptyAllowed: true))
        case "Precompiled":
            return try PrecompiledNormalizer(
                charsMap: try fields.string("precompiled_charsmap"), path: "\(path).precompiled_charsmap")
        case "ByteLevel": return ByteLevelNormalizer()
        case "BertNormalizer":
            let lowercases = try fields.bool("lowercase", default: true)
            return BertNormalizer(
                cleansText: try fields.bool("clean_text", default: true),
                isolatesIdeographs: try fields.bool("handle_chinese_chars", default: true),
                stripsAccents: try fields.bool("strip_accents", default: lowercases), lowercases: lowercases)
        default:
            throw fields.unsupported("normalizer \(JSONFields.printable(type))")
        }
    }
}

import LetheCore

/// Reads the `pre_tokenizer` of a tokenizer.json.
enum PreTokenizerReader {
    static func read(_ value: JSONValue, path: String, budget: ComponentBudget) throws -> any PreTokenizer {
        try budget.take(path)
        let fields = try JSONFields(value, path: path)
        let type = try fields.type()
        switch type {
        case "Sequence":
            let steps = try fields.array("pretokenizers").enumerated().map { index, step in
                try read(step, path: "\(path).pretokenizers[\(index)]", budget: budget)
            }
            return PreTokenizerSequence(steps: steps)
        case "ByteLevel":
            return ByteLevelPreTokenizer(
                addPrefixSpace: try fields.bool("add_prefix_space", default: true),
                usesPattern: try fields.bool("use_regex", default: true))
        case "Digits":
            return DigitsPreTokenizer(individual: try fields.bool("individual_digits", default: false))
        case "BertPreTokenizer": return BertPreTokenizer()
        case "Whitespace": return WhitespacePreTokenizer()
        case "WhitespaceSplit": return WhitespaceSplitPreTokenizer()
        case "Punctuation":
            return PunctuationPreTokenizer(behavior: try behavior(fields, default: .isolated))
        case "Metaspace": return try metaspace(fields)
        case "Split":
            return SplitPreTokenizer(
                scanner: try PatternReader.read(fields), behavior: try behavior(fields, default: nil),
                inverted: try fields.bool("invert", default: false))
        case "CharDelimiterSplit":
            return SplitPreTokenizer(
                scanner: LiteralScanner(literal: try fields.character("delimiter")), behavior: .removed,
                inverted: false)
        default:
            throw fields.unsupported("pre-tokenizer \(JSONFields.printable(type))")
        }
    }

    private static func behavior(_ fields: JSONFields, default fallback: SplitBehavior?) throws -> SplitBehavior {
        if let fallback, fields.optional("behavior") == nil { return fallback }
        let name = try fields.string("behavior")
        guard let behavior = SplitBehavior(rawValue: name) else {
            throw fields.unsupported("behavior \(JSONFields.printable(name))")
        }
        return behavior
    }

    private static func metaspace(_ fields: JSONFields) throws -> MetaspacePreTokenizer {
        MetaspacePreTokenizer(
            replacement: try fields.character("replacement"), scheme: try prependScheme(fields),
            splits: try fields.bool("split", default: true))
    }

    /// `prepend_scheme`, or `add_prefix_space` of older files; an error where the two contradict each other.
    static func prependScheme(_ fields: JSONFields) throws -> MetaspacePreTokenizer.PrependScheme {
        let legacy = try fields.optional("add_prefix_space").map { _ in
            try fields.bool("add_prefix_space", default: true)
        }
        guard let name = try fields.optionalString("prepend_scheme") else {
            return legacy == false ? .never : .always
        }
        guard let scheme = MetaspacePreTokenizer.PrependScheme(rawValue: name) else {
            throw fields.unsupported("prepend_scheme \(JSONFields.printable(name))")
        }
        if legacy == false && scheme != .never {
            throw LetheError(.badData, "\(fields.path): add_prefix_space contradicts prepend_scheme")
        }
        return scheme
    }
}

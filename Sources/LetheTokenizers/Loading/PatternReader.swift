import LetheCore

/// Reads the pattern of a Split pre-tokenizer or a Replace normalizer.
enum PatternReader {
    /// The scanner for `{"String": ...}`, or for `{"Regex": ...}` with one of the known patterns.
    static func read(_ fields: JSONFields) throws -> any PatternScanner {
        let pattern = try fields.fields("pattern")
        guard pattern.object.count == 1 else {
            throw LetheError(.badData, "\(pattern.path) has to hold either String or Regex")
        }
        if pattern.object["String"] != nil {
            return LiteralScanner(literal: try pattern.literal("String", isEmptyAllowed: false))
        }
        guard pattern.object["Regex"] != nil else {
            throw LetheError(.badData, "\(pattern.path) has to hold either String or Regex")
        }
        let expression = try pattern.string("Regex")
        guard let scanner = scanner(for: expression) else {
            throw pattern.unsupported("a regular expression of \(expression.utf8.count) bytes")
        }
        return scanner
    }

    /// The scanner of a regular expression that is known by its exact text.
    static func scanner(for expression: String) -> (any PatternScanner)? {
        if expression.hasSameBytes(as: GPT2Scanner.pattern) { return GPT2Scanner() }
        for variant in TiktokenScanner.variants where expression.hasSameBytes(as: variant.pattern) {
            return variant.scanner
        }
        for variant in CaseAwareScanner.variants where expression.hasSameBytes(as: variant.pattern) {
            return variant.scanner
        }
        for variant in ClassRunScanner.variants where expression.hasSameBytes(as: variant.pattern) {
            return variant.scanner
        }
        return nil
    }
}

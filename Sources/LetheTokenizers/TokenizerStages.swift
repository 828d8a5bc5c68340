import LetheCore

/// Single stages of a pipeline, for looking at what they do.
package enum TokenizerStages {
    /// What a normalizer makes of a text.
    ///
    /// - Parameter normalizer: As a tokenizer.json describes it.
    /// - Throws: As ``TokenizerLoader/tokenizerJSON(_:)``.
    package static func normalize(_ text: String, with normalizer: JSONValue) throws -> String {
        let normalizer = try NormalizerReader.read(normalizer, path: "normalizer", budget: ComponentBudget())
        var result = NormalizedText(Array(text.utf8))
        try normalizer.apply(to: &result)
        return String(decoding: result.bytes, as: UTF8.self)
    }

    /// The pieces that a pre-tokenizer cuts a text into.
    ///
    /// - Parameter preTokenizer: As a tokenizer.json describes it.
    /// - Throws: As ``TokenizerLoader/tokenizerJSON(_:)``.
    package static func pieces(of text: String, with preTokenizer: JSONValue) throws -> [String] {
        let preTokenizer = try PreTokenizerReader.read(preTokenizer, path: "pre_tokenizer", budget: ComponentBudget())
        var result = PreTokenizedText(Array(text.utf8), isTextStart: true)
        try preTokenizer.apply(to: &result)
        return result.pieces.map { String(decoding: result.bytes[$0.start..<$0.end], as: UTF8.self) }
    }

    /// The text that a decoder makes of tokens.
    ///
    /// - Parameter decoder: As a tokenizer.json describes it.
    /// - Throws: As ``TokenizerLoader/tokenizerJSON(_:)``.
    package static func decode(_ tokens: [String], with decoder: JSONValue) throws -> String {
        let decoder = try DecoderReader.read(decoder, path: "decoder", budget: ComponentBudget())
        return String(decoding: decoder.decode(tokens.map { Array($0.utf8) }).flatMap { $0 }, as: UTF8.self)
    }
}

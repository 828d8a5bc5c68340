/// The part of a tokenizer that cuts normalized text into the pieces that the model sees one at a time.
protocol PreTokenizer: Sendable {
    /// Cuts the pieces of a text further, and may rewrite their content.
    ///
    /// - Throws: ``LetheError`` with `limitExceeded` where the text grows beyond what is allowed.
    func apply(to text: inout PreTokenizedText) throws
}

/// Pre-tokenizers one after another.
struct PreTokenizerSequence: PreTokenizer {
    let steps: [any PreTokenizer]

    func apply(to text: inout PreTokenizedText) throws {
        for step in steps { try step.apply(to: &text) }
    }
}

import LetheCore

/// What is refused before memory is spent on it.
public enum TokenizerLimits {
    /// UTF-8 bytes of one text given to a tokenizer.
    public static let maximumTextBytes = 16 << 20
    /// Tokens of a vocabulary, and the bound of every id.
    public static let maximumTokens = 4_194_304
    /// UTF-8 bytes of one token.
    public static let maximumTokenBytes = 65_536
    /// Tokens that are matched inside text (added and special tokens).
    public static let maximumAddedTokens = 262_144
    /// UTF-8 bytes of one added token.
    public static let maximumAddedTokenBytes = 512
    /// Components inside sequences of a pipeline, all nested sequences together.
    public static let maximumComponents = 64
    /// Bytes of a text while normalizers and pre-tokenizers work on it.
    static let maximumWorkingBytes = 64 << 20
    /// Bytes of a literal that a component looks for, inserts or puts around tokens.
    static let maximumLiteralBytes = 64
    /// Bytes of one token of a unigram vocabulary.
    static let maximumUnigramTokenBytes = 512
    /// Decoders that insert text.
    static let maximumInsertingDecoders = 4
    /// Bytes that one decoder inserts at a place.
    static let maximumInsertedBytes = 8

    /// Refuses a text that has outgrown ``maximumWorkingBytes``.
    static func checkWorkingBytes(_ count: Int) throws {
        guard count <= maximumWorkingBytes else {
            throw LetheError(
                .limitExceeded, "normalizing makes a text of more than \(maximumWorkingBytes) bytes")
        }
    }
}

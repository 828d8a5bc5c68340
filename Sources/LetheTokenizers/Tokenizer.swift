import Foundation
import LetheCore

/// Turns text into token ids and back.
///
/// Values are immutable and safe to share between threads. Text is never kept, logged or quoted in an error.
public protocol Tokenizer: Sendable {
    /// One more than the largest id that the tokenizer can give; at most the number of rows of the model's embedding.
    var vocabularySize: Int { get }

    /// The ids of a text.
    ///
    /// Special tokens written out inside the text are recognised either way; `addSpecialTokens` decides only about
    /// those that the tokenizer's template puts around it ([CLS], a beginning-of-text token). Neither truncation nor
    /// padding is applied, whatever a tokenizer.json asks for: lengths are the caller's business.
    ///
    /// - Throws: ``LetheError`` with `limitExceeded` for a text above ``TokenizerLimits/maximumTextBytes``, and with
    ///   `badData` where the vocabulary has no token for a character and no unknown token either.
    func encode(_ text: String, addSpecialTokens: Bool) throws -> [Int32]

    /// The text of some ids. Bytes that are not UTF-8 become U+FFFD, and ids outside the vocabulary are skipped.
    ///
    /// - Parameter skipSpecialTokens: Leaves out the tokens that are marked special.
    func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String

    /// The id of a token as the vocabulary writes it (byte-level tokens in their printable alphabet), compared by
    /// UTF-8 bytes.
    func tokenToID(_ token: String) -> Int32?

    /// A token as the vocabulary writes it, or nil for an id outside the vocabulary.
    func idToToken(_ id: Int32) -> String?

    /// The ids that end a generated text by default, without duplicates. Empty where the file names none, as a
    /// tokenizer.json never does: there the model's configuration has to.
    var endOfTextIDs: [Int32] { get }

    /// A Hugging Face tokenizer.json that gives the same ids.
    ///
    /// For a tokenizer read from tokenizer.json these are the bytes it was read from.
    ///
    /// - Throws: ``LetheError`` with `unsupported` where the vocabulary cannot be written in that form.
    func tokenizerJSON() throws -> Data
}

/// The part of a tokenizer that turns one piece of text into ids.
protocol TokenModel: Sendable {
    /// The model's own tokens.
    var vocabulary: Vocabulary { get }

    /// Appends the ids of a piece, which is not empty and lies inside `bytes`.
    ///
    /// - Throws: ``LetheError`` with `badData` where there is no token for the piece and no unknown token.
    func tokenize(_ bytes: [UInt8], _ start: Int, _ end: Int, into ids: inout [Int32]) throws
}

import Foundation
import LetheCore

/// A tokenizer made of the stages that a tokenizer.json describes: added tokens, normalizer, pre-tokenizer, model,
/// post-processor, decoder.
struct PipelineTokenizer: Tokenizer {
    let model: any TokenModel
    let normalizer: (any Normalizer)?
    let preTokenizer: (any PreTokenizer)?
    let postProcessor: PostProcessor?
    let decoder: (any Decoder)?
    let vocabularySize: Int
    let endOfTextIDs: [Int32]
    /// The added tokens by id, normalized ones in their normalized form: so the reference decodes them.
    private let addedTokens: [Int32: AddedToken]
    /// The ids of the added tokens as the file writes them.
    private let addedIDs: [[UInt8]: Int32]
    private let originalMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher
    private let source: Data

    /// Puts the stages together.
    ///
    /// - Parameters:
    ///   - addedTokens: With unique ids and contents; the order decides between tokens that normalize to the same.
    ///   - source: The tokenizer.json that describes all this.
    /// - Throws: ``LetheError`` where an added token cannot be normalized.
    init(
        model: any TokenModel, normalizer: (any Normalizer)?, preTokenizer: (any PreTokenizer)?,
        postProcessor: PostProcessor?, decoder: (any Decoder)?, addedTokens: [AddedToken], endOfTextIDs: [Int32],
        source: Data
    ) throws {
        self.model = model
        self.normalizer = normalizer
        self.preTokenizer = preTokenizer
        self.postProcessor = postProcessor
        self.decoder = decoder
        self.endOfTextIDs = endOfTextIDs
        self.source = source
        var byID: [Int32: AddedToken] = [:]
        var byContent: [[UInt8]: Int32] = [:]
        var bound = model.vocabulary.idBound
        for var token in addedTokens {
            byContent[token.content] = token.id
            bound = max(bound, Int(token.id) + 1)
            if token.isNormalized, let normalizer {
                var text = NormalizedText(token.content)
                try normalizer.apply(to: &text)
                token.content = text.bytes
            }
            byID[token.id] = token
        }
        self.addedTokens = byID
        addedIDs = byContent
        vocabularySize = bound
        // Special tokens come before the others, as in the reference.
        let ordered = addedTokens.filter(\.isSpecial) + addedTokens.filter { !$0.isSpecial }
        originalMatcher = AddedTokenMatcher(ordered.filter { !$0.isNormalized }.map { ($0.content, $0) })
        normalizedMatcher = AddedTokenMatcher(
            ordered.filter(\.isNormalized).map { (byID[$0.id]?.content ?? $0.content, $0) })
    }

    func encode(_ text: String, addSpecialTokens: Bool) throws -> [Int32] {
        let bytes = Array(text.utf8)
        guard bytes.count <= TokenizerLimits.maximumTextBytes else {
            throw LetheError(
                .limitExceeded,
                "text of \(bytes.count) bytes is longer than the tokenizer's \(TokenizerLimits.maximumTextBytes)")
        }
        var ids: [Int32] = []
        ids.reserveCapacity(bytes.count / 3 + 2)
        for section in originalMatcher.sections(of: bytes) {
            switch section {
            case .token(let id):
                ids.append(id)
            case .text(let range):
                var text = NormalizedText(range.count == bytes.count ? bytes : Array(bytes[range]))
                try normalizer?.apply(to: &text)
                let isTextStart = range.lowerBound == 0 && !text.lostStart
                try encode(text.bytes, isTextStart: isTextStart, into: &ids)
            }
        }
        return addSpecialTokens ? postProcessor?.apply(to: ids) ?? ids : ids
    }

    /// Appends the ids of normalized text.
    private func encode(_ bytes: [UInt8], isTextStart: Bool, into ids: inout [Int32]) throws {
        for section in normalizedMatcher.sections(of: bytes) {
            switch section {
            case .token(let id):
                ids.append(id)
            case .text(let range):
                var text = PreTokenizedText(
                    range.count == bytes.count ? bytes : Array(bytes[range]),
                    isTextStart: isTextStart && range.lowerBound == 0)
                try preTokenizer?.apply(to: &text)
                for piece in text.pieces {
                    try model.tokenize(text.bytes, piece.start, piece.end, into: &ids)
                }
            }
        }
    }

    func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
        let readsAlphabet = decoder is ByteLevelDecoder
        var tokens: [[UInt8]] = []
        tokens.reserveCapacity(ids.count)
        for id in ids {
            if let added = addedTokens[id] {
                if skipSpecialTokens && added.isSpecial { continue }
                if readsAlphabet && (added.isSpecial || model.vocabulary.bytes(of: id) == nil) {
                    // Stands for its own text, whatever the alphabet would make of its characters.
                    var token: [UInt8] = []
                    for byte in added.content { ByteAlphabet.append(byte, to: &token) }
                    tokens.append(token)
                } else {
                    tokens.append(added.content)
                }
            } else if let bytes = model.vocabulary.bytes(of: id) {
                tokens.append(Array(bytes))
            }
        }
        if let decoder {
            return String(decoding: decoder.decode(tokens).flatMap { $0 }, as: UTF8.self)
        }
        return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self)
    }

    func tokenToID(_ token: String) -> Int32? {
        addedIDs[Array(token.utf8)] ?? model.vocabulary.id(of: token)
    }

    func idToToken(_ id: Int32) -> String? {
        if let added = addedTokens[id] { return String(decoding: added.content, as: UTF8.self) }
        return model.vocabulary.token(of: id)
    }

    func tokenizerJSON() throws -> Data { source }
}

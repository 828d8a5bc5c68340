import LetheCore
import LetheTokenizers

extension GGUFFile {
    /// The tokenizer that the metadata describes (`tokenizer.ggml.*`).
    ///
    /// - Throws: ``LetheError``: `missingInput` when the file holds no tokenizer, `badData` when a field has another
    ///   type than the format gives it, when there is not one score or type a token, or when a special id is none of
    ///   the tokens.
    public func vocabulary() throws -> GGUFVocabulary {
        try GGUFVocabulary(metadata: metadata, context: file.name)
    }
}

extension GGUFVocabulary {
    /// Picks the tokenizer's fields from a file's metadata; see ``GGUFFile/vocabulary()``.
    package init(metadata: [String: GGUFValue], context: String) throws {
        let fields = TokenizerFields(metadata: metadata, context: context)
        guard let model = try fields.value("model", \.stringValue) else {
            throw LetheError(.missingInput, "\(context): the metadata has no tokenizer.ggml.model")
        }
        guard let tokens = try fields.value("tokens", \.arrayValue?.strings) else {
            throw LetheError(.missingInput, "\(context): the metadata has no tokenizer.ggml.tokens")
        }
        let types = try fields.value("token_type", \.arrayValue?.int32s) ?? []
        guard types.isEmpty || types.count == tokens.count else {
            throw LetheError(.badData, "\(context): \(types.count) token types for \(tokens.count) tokens")
        }
        let scores = try fields.value("scores", \.arrayValue?.floats)
        guard scores == nil || scores?.count == tokens.count else {
            throw LetheError(.badData, "\(context): \(scores?.count ?? 0) scores for \(tokens.count) tokens")
        }
        self.init(
            model: model,
            pre: try fields.value("pre", \.stringValue),
            tokens: tokens,
            tokenTypes: types,
            merges: try fields.value("merges", \.arrayValue?.strings) ?? [],
            scores: scores,
            bosID: try fields.specialID("bos", tokens.count),
            eosID: try fields.specialID("eos", tokens.count),
            eotID: try fields.specialID("eot", tokens.count),
            unknownID: try fields.specialID("unknown", tokens.count),
            padID: try fields.specialID("padding", tokens.count),
            addBOS: try fields.value("add_bos_token", \.boolValue),
            addEOS: try fields.value("add_eos_token", \.boolValue),
            addSpacePrefix: try fields.value("add_space_prefix", \.boolValue))
    }
}

/// Typed access to `tokenizer.ggml.*`.
private struct TokenizerFields {
    let metadata: [String: GGUFValue]
    let context: String

    /// The value of a field, nil when the file has none.
    func value<T>(_ name: String, _ convert: (GGUFValue) -> T?) throws -> T? {
        guard let value = metadata["tokenizer.ggml.\(name)"] else { return nil }
        guard let converted = convert(value) else {
            throw LetheError(.badData, "\(context): tokenizer.ggml.\(name) has the wrong type")
        }
        return converted
    }

    /// The id in `tokenizer.ggml.<name>_token_id`; all bits set, as an unsigned or a signed number, stands for none.
    func specialID(_ name: String, _ tokenCount: Int) throws -> Int32? {
        guard let id = try value("\(name)_token_id", \.intValue) else { return nil }
        if id == -1 || id == Int(UInt32.max) { return nil }
        guard id >= 0, id < tokenCount, let result = Int32(exactly: id) else {
            throw LetheError(.badData, "\(context): tokenizer.ggml.\(name)_token_id is none of the tokens")
        }
        return result
    }
}

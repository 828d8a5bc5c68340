/// The tokenizer's part of a GGUF file's metadata (`tokenizer.ggml.*`).
public struct GGUFVocabulary: Sendable {
    /// `tokenizer.ggml.model`: "gpt2" is byte-level BPE, "llama" is SentencePiece-style BPE with scores.
    public var model: String
    /// `tokenizer.ggml.pre`: the name of the pre-tokenizer, for byte-level BPE.
    public var pre: String?
    /// `tokenizer.ggml.tokens`: one token an id.
    public var tokens: [String]
    /// `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte. Empty: all
    /// normal.
    public var tokenTypes: [Int32]
    /// `tokenizer.ggml.merges`: "left right", best first.
    public var merges: [String]
    /// `tokenizer.ggml.scores`, one a token.
    public var scores: [Float]?
    /// `tokenizer.ggml.bos_token_id`
    public var bosID: Int32?
    /// `tokenizer.ggml.eos_token_id`
    public var eosID: Int32?
    /// `tokenizer.ggml.eot_token_id`: the end of a turn, where it is another token than the end of text.
    public var eotID: Int32?
    /// `tokenizer.ggml.unknown_token_id`
    public var unknownID: Int32?
    /// `tokenizer.ggml.padding_token_id`
    public var padID: Int32?
    /// `tokenizer.ggml.add_bos_token`; nil means the default of the tokenizer model.
    public var addBOS: Bool?
    /// `tokenizer.ggml.add_eos_token`; nil means the default of the tokenizer model.
    public var addEOS: Bool?
    /// `tokenizer.ggml.add_space_prefix`; nil means the default of the tokenizer model.
    public var addSpacePrefix: Bool?

    /// Creates a vocabulary from what the metadata holds; nothing is checked before ``TokenizerLoader/gguf(_:)``.
    public init(
        model: String, pre: String? = nil, tokens: [String], tokenTypes: [Int32] = [], merges: [String] = [],
        scores: [Float]? = nil, bosID: Int32? = nil, eosID: Int32? = nil, eotID: Int32? = nil,
        unknownID: Int32? = nil, padID: Int32? = nil, addBOS: Bool? = nil, addEOS: Bool? = nil,
        addSpacePrefix: Bool? = nil
    ) {
        self.model = model
        self.pre = pre
        self.tokens = tokens
        self.tokenTypes = tokenTypes
        self.merges = merges
        self.scores = scores
        self.bosID = bosID
        self.eosID = eosID
        self.eotID = eotID
        self.unknownID = unknownID
        self.padID = padID
        self.addBOS = addBOS
        self.addEOS = addEOS
        self.addSpacePrefix = addSpacePrefix
    }
}

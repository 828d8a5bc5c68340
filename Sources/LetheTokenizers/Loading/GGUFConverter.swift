import LetheCore

/// Writes the vocabulary of a GGUF file as a tokenizer.json, which is then read like any other: what is exported is
/// what was used.
struct GGUFConverter {
    private let vocabulary: GGUFVocabulary

    /// Values of `tokenizer.ggml.token_type`.
    enum TokenType {
        static let normal: Int32 = 1
        static let unknown: Int32 = 2
        static let control: Int32 = 3
        static let userDefined: Int32 = 4
        static let unused: Int32 = 5
        static let byte: Int32 = 6
    }

    /// SentencePiece tokens above this length take no part in merges; real ones have up to 48 bytes.
    private static let maximumMergedBytes = 512

    /// Checks the counts that belong together.
    init(_ vocabulary: GGUFVocabulary) throws {
        self.vocabulary = vocabulary
        let count = vocabulary.tokens.count
        guard count > 0 else { throw LetheError(.badData, "tokenizer.ggml.tokens is missing or empty") }
        guard count <= TokenizerLimits.maximumTokens else {
            throw LetheError(
                .limitExceeded, "tokenizer.ggml.tokens: \(count) tokens are more than \(TokenizerLimits.maximumTokens)")
        }
        guard vocabulary.tokenTypes.isEmpty || vocabulary.tokenTypes.count == count else {
            throw LetheError(
                .badData, "tokenizer.ggml.token_type has \(vocabulary.tokenTypes.count) entries for \(count) tokens")
        }
        let ids: [(name: String, id: Int32?)] = [
            ("bos", vocabulary.bosID), ("eos", vocabulary.eosID), ("eot", vocabulary.eotID),
            ("unknown", vocabulary.unknownID), ("padding", vocabulary.padID),
        ]
        for (name, id) in ids {
            if let id, id < 0 || Int(id) >= count {
                throw LetheError(.badData, "tokenizer.ggml.\(name)_token_id is outside 0 ..< \(count)")
            }
        }
    }

    /// The tokenizer.json.
    func tokenizerJSON() throws -> JSONValue {
        if vocabulary.model.hasSameBytes(as: "gpt2") { return try byteLevel() }
        if vocabulary.model.hasSameBytes(as: "llama") { return try sentencePiece() }
        throw LetheError(
            .unsupported,
            "tokenizer.ggml.model \(JSONFields.printable(vocabulary.model)) is not supported; gpt2 and llama are")
    }

    // MARK: Byte-level BPE

    private func byteLevel() throws -> JSONValue {
        guard !vocabulary.merges.isEmpty else {
            throw LetheError(.badData, "tokenizer.ggml.merges is missing or empty")
        }
        let parts = try byteLevelParts()
        let merges = try vocabulary.merges.enumerated().map { rank, merge -> JSONValue in
            let utf8 = Array(merge.utf8)
            // A token may begin with a space, but the separator is the first one after the first byte.
            guard let space = utf8.dropFirst().firstIndex(of: 0x20), space + 1 < utf8.count else {
                throw LetheError(.badData, "tokenizer.ggml.merges[\(rank)] is not a pair of tokens")
            }
            return [
                .string(String(decoding: utf8[..<space], as: UTF8.self)),
                .string(String(decoding: utf8[(space + 1)...], as: UTF8.self)),
            ]
        }
        let byteLevel: JSONValue = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
        ]
        return document(
            normalizer: parts.normalizer, preTokenizer: parts.preTokenizer,
            postProcessor: try template(defaultBOS: false, after: byteLevel),
            decoder: byteLevel,
            model: try model(
                merges: merges, unknown: nil, fuseUnknown: false, byteFallback: false, ignoreMerges: parts.ignoreMerges
            ))
    }

    struct ByteLevelParts {
        var normalizer: JSONValue = nil
        var preTokenizer: JSONValue
        var ignoreMerges = false
    }

    /// The stages that `tokenizer.ggml.pre` stands for.
    func byteLevelParts() throws -> ByteLevelParts {
        func byteLevel(_ usesPattern: Bool) -> JSONValue {
            [
                "type": "ByteLevel", "add_prefix_space": .bool(vocabulary.addSpacePrefix ?? false),
                "trim_offsets": true, "use_regex": .bool(usesPattern),
            ]
        }
        func sequence(_ steps: JSONValue...) -> JSONValue { ["type": "Sequence", "pretokenizers": .array(steps)] }
        func split(_ variant: Int) -> JSONValue {
            [
                "type": "Split", "pattern": ["Regex": .string(TiktokenScanner.variants[variant].pattern)],
                "behavior": "Isolated", "invert": false,
            ]
        }
        guard let pre = vocabulary.pre else {
            throw LetheError(.unsupported, "a GGUF vocabulary without tokenizer.ggml.pre is not supported")
        }
        switch pre {
        case "smollm", "starcoder", "refact", "command-r", "codeshell":
            return ByteLevelParts(
                preTokenizer: sequence(["type": "Digits", "individual_digits": true], byteLevel(true)))
        case "gpt-2", "phi-2", "mpt", "olmo":
            return ByteLevelParts(preTokenizer: byteLevel(true))
        case "llama-bpe", "llama-v3", "llama3":
            return ByteLevelParts(preTokenizer: sequence(split(0), byteLevel(false)), ignoreMerges: true)
        case "qwen2":
            return ByteLevelParts(normalizer: ["type": "NFC"], preTokenizer: sequence(split(1), byteLevel(false)))
        default:
            throw LetheError(
                .unsupported, "tokenizer.ggml.pre \(JSONFields.printable(pre)) is not supported")
        }
    }

    // MARK: SentencePiece-style BPE

    private func sentencePiece() throws -> JSONValue {
        let hasPrefix = vocabulary.addSpacePrefix ?? true
        let replace: JSONValue = ["type": "Replace", "pattern": ["String": " "], "content": "▁"]
        let normalizer: JSONValue =
            hasPrefix
            ? ["type": "Sequence", "normalizers": [["type": "Prepend", "prepend": "▁"], replace]] : replace
        var decoders: [JSONValue] = [
            ["type": "Replace", "pattern": ["String": "▁"], "content": " "], ["type": "ByteFallback"],
            ["type": "Fuse"],
        ]
        if hasPrefix { decoders.append(["type": "Strip", "content": " ", "start": 1, "stop": 0]) }
        let unknown =
            vocabulary.unknownID
            ?? vocabulary.tokenTypes.firstIndex(of: TokenType.unknown).map { Int32($0) }
        return document(
            normalizer: normalizer, preTokenizer: nil, postProcessor: try template(defaultBOS: true, after: nil),
            decoder: ["type": "Sequence", "decoders": .array(decoders)],
            model: try model(
                merges: try scoredMerges(), unknown: unknown, fuseUnknown: true, byteFallback: true,
                ignoreMerges: false))
    }

    /// The merges that SentencePiece's scores amount to: every way to join two tokens to a third, the third with the
    /// highest score first; of equal scores, as the reference converts them, the one with the longest parts.
    func scoredMerges() throws -> [JSONValue] {
        let tokens = vocabulary.tokens
        guard let scores = vocabulary.scores, scores.count == tokens.count else {
            throw LetheError(
                .badData,
                "tokenizer.ggml.scores has \(vocabulary.scores?.count ?? 0) entries for \(tokens.count) tokens")
        }
        let table = try Vocabulary(
            tokens.enumerated().map { (token: $0.element, id: $0.offset) }, context: "tokenizer.ggml.tokens")
        struct Merge {
            var left: Int32
            var right: Int32
            var result: Int
            var leftScalars: Int
            var rightScalars: Int
        }
        var merges: [Merge] = []
        for (id, token) in tokens.enumerated() where isMergeable(id) {
            guard scores[id].isFinite else {
                throw LetheError(.badData, "tokenizer.ggml.scores[\(id)] is not a finite number")
            }
            let bytes = Array(token.utf8)
            guard bytes.count <= Self.maximumMergedBytes else { continue }
            let scalars = bytes.count { $0 & 0xC0 != 0x80 }
            var leftScalars = 0
            for cut in 1..<max(1, bytes.count) {
                if bytes[cut] & 0xC0 == 0x80 { continue }
                leftScalars += 1
                guard let left = table.id(of: bytes, 0, cut), let right = table.id(of: bytes, cut, bytes.count),
                    isMergeable(Int(left)), isMergeable(Int(right))
                else { continue }
                merges.append(
                    Merge(
                        left: left, right: right, result: id, leftScalars: leftScalars,
                        rightScalars: scalars - leftScalars))
                guard merges.count <= TokenizerLimits.maximumTokens else {
                    throw LetheError(
                        .limitExceeded,
                        "tokenizer.ggml.tokens amount to more than \(TokenizerLimits.maximumTokens) merges")
                }
            }
        }
        merges.sort { a, b in
            if scores[a.result] != scores[b.result] { return scores[a.result] > scores[b.result] }
            if a.leftScalars != b.leftScalars { return a.leftScalars > b.leftScalars }
            if a.rightScalars != b.rightScalars { return a.rightScalars > b.rightScalars }
            return a.result < b.result
        }
        return merges.map { [.string(tokens[Int($0.left)]), .string(tokens[Int($0.right)])] }
    }

    private func isMergeable(_ id: Int) -> Bool {
        guard !vocabulary.tokenTypes.isEmpty else { return true }
        let type = vocabulary.tokenTypes[id]
        return type == TokenType.normal || type == TokenType.userDefined
    }

    // MARK: Shared parts

    private func model(
        merges: [JSONValue], unknown: Int32?, fuseUnknown: Bool, byteFallback: Bool, ignoreMerges: Bool
    ) throws -> JSONValue {
        var vocab = JSONObject()
        for (id, token) in vocabulary.tokens.enumerated() {
            guard vocab[token] == nil else {
                throw LetheError(.badData, "tokenizer.ggml.tokens[\(id)] occurs twice")
            }
            vocab[token] = .integer(Int64(id))
        }
        return [
            "type": "BPE", "dropout": nil,
            "unk_token": unknown.map { .string(vocabulary.tokens[Int($0)]) } ?? nil,
            "continuing_subword_prefix": nil, "end_of_word_suffix": nil, "fuse_unk": .bool(fuseUnknown),
            "byte_fallback": .bool(byteFallback), "ignore_merges": .bool(ignoreMerges), "vocab": .object(vocab),
            "merges": .array(merges),
        ]
    }

    /// Control and user-defined tokens are matched in the text.
    private func addedTokens() -> [JSONValue] {
        vocabulary.tokenTypes.enumerated().compactMap { id, type in
            let isControl = type == TokenType.control || type == TokenType.unknown
            guard isControl || type == TokenType.userDefined, !vocabulary.tokens[id].isEmpty else { return nil }
            return [
                "id": .integer(Int64(id)), "content": .string(vocabulary.tokens[id]), "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false, "special": .bool(isControl),
            ]
        }
    }

    /// The template that adds the beginning-of-text and end-of-text tokens, where the file asks for them.
    private func template(defaultBOS: Bool, after first: JSONValue?) throws -> JSONValue {
        var parts: [JSONValue] = []
        var special = JSONObject()
        func declare(_ id: Int32?, _ name: String) throws -> JSONValue {
            guard let id else {
                throw LetheError(.badData, "tokenizer.ggml.add_\(name)_token is set without \(name)_token_id")
            }
            let token = vocabulary.tokens[Int(id)]
            special[token] = ["id": .string(token), "ids": [.integer(Int64(id))], "tokens": [.string(token)]]
            return ["SpecialToken": ["id": .string(token), "type_id": 0]]
        }
        if vocabulary.addBOS ?? (defaultBOS && vocabulary.bosID != nil) {
            parts.append(try declare(vocabulary.bosID, "bos"))
        }
        parts.append(["Sequence": ["id": "A", "type_id": 0]])
        if vocabulary.addEOS ?? false { parts.append(try declare(vocabulary.eosID, "eos")) }
        guard parts.count > 1 else { return first ?? nil }
        // The reference wants a template for pairs as well: the second text as the first, with type id 1.
        let second: [JSONValue] = parts.map { part in
            let key = part["Sequence"] == nil ? "SpecialToken" : "Sequence"
            let id: JSONValue = key == "Sequence" ? "B" : part[key]?["id"] ?? nil
            return .object(JSONObject([(key, ["id": id, "type_id": 1])]))
        }
        let template: JSONValue = [
            "type": "TemplateProcessing", "single": .array(parts), "pair": .array(parts + second),
            "special_tokens": .object(special),
        ]
        guard let first else { return template }
        return ["type": "Sequence", "processors": [first, template]]
    }

    private func document(
        normalizer: JSONValue, preTokenizer: JSONValue, postProcessor: JSONValue, decoder: JSONValue, model: JSONValue
    ) -> JSONValue {
        [
            "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(addedTokens()),
            "normalizer": normalizer, "pre_tokenizer": preTokenizer, "post_processor": postProcessor,
            "decoder": decoder, "model": model,
        ]
    }
}

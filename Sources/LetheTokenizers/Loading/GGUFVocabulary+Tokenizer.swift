import Foundation
import LetheCore

extension GGUFVocabulary {
    /// A tokenizer as the metadata of a GGUF file describes it, one token for each row of the model's embedding.
    ///
    /// GGUF names only some combinations of stages; what is returned is proven to be one of them: read back it has the
    /// same merges, and gives the same ids on texts that tell the stages apart.
    /// - Parameters:
    ///   - tokenCount: rows of the embedding; ids that the tokenizer does not have become unused tokens.
    ///   - bosID: the beginning of a text, where the tokenizer itself does not name one.
    ///   - eosID: the end of a text.
    ///   - padID: padding.
    /// - Throws: `unsupported` naming what has no form in GGUF, `bad_data`.
    public init(
        _ tokenizer: any Tokenizer, tokenCount: Int, bosID: Int32? = nil, eosID: Int32? = nil, padID: Int32? = nil
    ) throws {
        let json = try JSONParser.parse(
            tokenizer.tokenizerJSON(), limits: .init(maximumDepth: 64), context: "tokenizer.json")
        guard let model = json["model"], let type = model["type"]?.stringValue else {
            throw LetheError(.badData, "tokenizer.json#/model/type is missing")
        }
        guard type == "BPE", let vocabulary = model["vocab"]?.objectValue else {
            throw LetheError(
                .unsupported, "a \(JSONFields.printable(type)) tokenizer has no form in GGUF here; BPE has")
        }
        self.init(model: "", tokens: [], bosID: bosID, eosID: eosID, padID: padID)
        try fillTokens(vocabulary, json["added_tokens"]?.arrayValue ?? [], count: tokenCount)
        try readTemplate(json["post_processor"] ?? nil)
        let merges = try (model["merges"]?.arrayValue ?? []).map(Self.pair)
        if model["byte_fallback"]?.boolValue == true {
            try describeSentencePiece(json, model, merges)
        } else {
            try describeByteLevel(json, model, merges)
        }
        try prove(against: tokenizer)
    }

    /// Texts that tell the stages of tokenizers apart: digits, contractions, spaces, marks, scripts, added tokens.
    private static let probes = [
        "", " ", "Hello world", " two  spaces   three\n\n\ttab \r\n", "12345 678", "It's THEY'RE we'll I'D",
        "caf\u{E9} cafe\u{301} \u{FB01}", "日本語とクリンゴン 😀🏽", "a_b-c.d,e;f!?()[]{}<>#@$%^&*", "<s></s><|endoftext|>x",
        "\u{0}\u{7F}\u{AD}", "नमस्ते 1२3 Ünïcödé",
    ]

    private mutating func fillTokens(_ vocabulary: JSONObject, _ added: [JSONValue], count: Int) throws {
        var names = [String?](repeating: nil, count: count)
        tokenTypes = Array(repeating: GGUFConverter.TokenType.normal, count: count)
        func place(_ id: Int?, _ content: String?) throws -> Int {
            guard let id, let content, names.indices.contains(id) else {
                throw LetheError(.badData, "tokenizer.json has a token without an id below \(count)")
            }
            names[id] = content
            return id
        }
        for (token, id) in vocabulary.entries { _ = try place(id.intValue, token) }
        for token in added {
            let id = try place(token["id"]?.intValue, token["content"]?.stringValue)
            tokenTypes[id] =
                token["special"]?.boolValue == true
                ? GGUFConverter.TokenType.control : GGUFConverter.TokenType.userDefined
        }
        for id in names.indices where names[id] == nil { tokenTypes[id] = GGUFConverter.TokenType.unused }
        tokens = names.enumerated().map { id, name in name ?? "[PAD\(id)]" }
    }

    /// The tokens that the template puts around one text.
    private mutating func readTemplate(_ processor: JSONValue) throws {
        addBOS = false
        addEOS = false
        let steps = processor["processors"]?.arrayValue ?? [processor]
        guard let template = steps.first(where: { $0["type"]?.stringValue == "TemplateProcessing" }) else { return }
        var isAfter = false
        for part in template["single"]?.arrayValue ?? [] {
            guard let name = part["SpecialToken"]?["id"]?.stringValue else {
                isAfter = true
                continue
            }
            let ids = template["special_tokens"]?[name]?["ids"]?.arrayValue ?? []
            guard ids.count == 1, let id = ids[0].intValue.flatMap({ Int32(exactly: $0) }),
                (isAfter ? addEOS : addBOS) == false
            else { throw LetheError(.unsupported, "tokenizer.json#/post_processor has no form in GGUF") }
            if isAfter {
                addEOS = true
                eosID = id
            } else {
                addBOS = true
                bosID = id
            }
        }
    }

    private static func pair(_ merge: JSONValue) throws -> (left: String, right: String) {
        if let parts = merge.arrayValue, parts.count == 2, let left = parts[0].stringValue,
            let right = parts[1].stringValue
        {
            return (left, right)
        }
        if let parts = merge.stringValue?.split(separator: " ", maxSplits: 1), parts.count == 2 {
            return (String(parts[0]), String(parts[1]))
        }
        throw LetheError(.badData, "tokenizer.json#/model/merges has an entry that is no pair")
    }

    private mutating func describeByteLevel(
        _ json: JSONValue, _ model: JSONValue, _ pairs: [(left: String, right: String)]
    ) throws {
        self.model = "gpt2"
        guard !pairs.contains(where: { $0.left.utf8.contains(0x20) || $0.right.utf8.contains(0x20) }) else {
            throw LetheError(.unsupported, "a merge with a space in it has no form in GGUF")
        }
        merges = pairs.map { "\($0.left) \($0.right)" }
        let own = Self.stages(json["normalizer"] ?? nil, json["pre_tokenizer"] ?? nil)
        let ignoresMerges = model["ignore_merges"]?.boolValue ?? false
        for name in ["smollm", "gpt-2", "llama-bpe", "qwen2"] {
            for prefix in [false, true] {
                let candidate = GGUFVocabulary(model: "gpt2", pre: name, tokens: ["x"], addSpacePrefix: prefix)
                let parts = try GGUFConverter(candidate).byteLevelParts()
                guard Self.stages(parts.normalizer, parts.preTokenizer) == own, parts.ignoreMerges == ignoresMerges
                else { continue }
                pre = name
                addSpacePrefix = prefix
                return
            }
        }
        throw LetheError(.unsupported, "tokenizer.json#/pre_tokenizer has no name in GGUF that is known here")
    }

    /// Stages in a form that can be compared: without what has no effect on ids.
    private static func stages(_ normalizer: JSONValue, _ preTokenizer: JSONValue) -> [Data] {
        func plain(_ value: JSONValue) -> JSONValue {
            if let array = value.arrayValue { return .array(array.map(plain)) }
            guard let object = value.objectValue else { return value }
            return .object(
                JSONObject(object.entries.filter { $0.key != "trim_offsets" }.map { ($0.key, plain($0.value)) }))
        }
        return [normalizer, preTokenizer].map { plain($0).serialized(sortedKeys: true) }
    }

    private mutating func describeSentencePiece(
        _ json: JSONValue, _ model: JSONValue, _ pairs: [(left: String, right: String)]
    ) throws {
        self.model = "llama"
        let prepends = json["normalizer"]?["normalizers"]?.arrayValue?.contains {
            $0["type"]?.stringValue == "Prepend"
        }
        addSpacePrefix = prepends ?? false
        if let unknown = model["unk_token"]?.stringValue,
            let id = tokens.firstIndex(where: { $0.utf8.elementsEqual(unknown.utf8) })
        {
            unknownID = Int32(exactly: id)
            tokenTypes[id] = GGUFConverter.TokenType.unknown
        }
        for byte in 0...255 {
            let name = String(format: "<0x%02X>", byte)
            guard let id = tokens.firstIndex(of: name) else {
                throw LetheError(.unsupported, "a SentencePiece tokenizer without all byte tokens has no form in GGUF")
            }
            tokenTypes[id] = GGUFConverter.TokenType.byte
        }
        // The score of a token is its place among those that merges make, the first with the highest.
        var scores = [Float](repeating: 0, count: tokens.count)
        var ids: [String: Int] = [:]
        for (id, token) in tokens.enumerated() { ids[token] = id }
        var rank: Float = 0
        for merge in pairs {
            guard let id = ids[merge.left + merge.right] else { continue }
            if scores[id] == 0 {
                rank += 1
                scores[id] = -rank
            }
        }
        self.scores = scores
        let again = try GGUFConverter(self).tokenizerJSON()
        let normalizers = [again["normalizer"] ?? nil, json["normalizer"] ?? nil].map {
            $0.serialized(sortedKeys: true)
        }
        guard normalizers[0] == normalizers[1], json["pre_tokenizer"] ?? nil == JSONValue.null else {
            throw LetheError(.unsupported, "tokenizer.json#/normalizer or pre_tokenizer has no form in GGUF")
        }
        let read = try (again["model"]?["merges"]?.arrayValue ?? []).map(Self.pair)
        guard read.elementsEqual(pairs, by: { $0.left == $1.left && $0.right == $1.right }) else {
            throw LetheError(.unsupported, "the order of tokenizer.json#/model/merges cannot be said in scores")
        }
    }

    private func prove(against tokenizer: any Tokenizer) throws {
        let again = try TokenizerLoader.gguf(self)
        for probe in Self.probes {
            guard try again.encode(probe, addSpecialTokens: true) == tokenizer.encode(probe, addSpecialTokens: true)
            else { throw LetheError(.unsupported, "the tokenizer has no form in GGUF that gives the same ids") }
        }
    }
}

import Foundation
import LetheCore

/// Makes tokenizers from what models ship with.
public enum TokenizerLoader {
    /// A tokenizer from the bytes of a Hugging Face tokenizer.json.
    ///
    /// Truncation and padding settings of the file are ignored. The file does not say which token ends a text, so
    /// ``Tokenizer/endOfTextIDs`` is empty: config.json and generation_config.json name it.
    ///
    /// - Throws: ``LetheError``: `badData` for a file that is malformed or contradicts itself, `limitExceeded` for one
    ///   above ``TokenizerLimits`` or 32 MiB, `unsupported` naming a component that this build does not know.
    public static func tokenizerJSON(_ data: Data) throws -> any Tokenizer {
        let document = try JSONParser.parse(data, limits: .modelFile, context: "tokenizer.json")
        return try pipeline(document, source: data, endOfTextIDs: [])
    }

    /// A tokenizer from the vocabulary of a GGUF file.
    ///
    /// - Throws: ``LetheError``: `badData` for a vocabulary that is malformed or contradicts itself, `limitExceeded`
    ///   for one above ``TokenizerLimits``, `unsupported` naming a tokenizer model or pre-tokenizer that this build
    ///   does not know.
    public static func gguf(_ vocabulary: GGUFVocabulary) throws -> any Tokenizer {
        let document = try GGUFConverter(vocabulary).tokenizerJSON()
        var endOfText: [Int32] = []
        for id in [vocabulary.eosID, vocabulary.eotID] {
            if let id, id >= 0, Int(id) < vocabulary.tokens.count, !endOfText.contains(id) { endOfText.append(id) }
        }
        return try pipeline(document, source: document.serialized(), endOfTextIDs: endOfText)
    }

    /// Reads all stages of a tokenizer.json.
    private static func pipeline(
        _ document: JSONValue, source: Data, endOfTextIDs: [Int32]
    ) throws -> PipelineTokenizer {
        let root = try JSONFields(document, path: "tokenizer.json")
        if root.object["version"] != nil, try !root.string("version").hasSameBytes(as: "1.0") {
            throw root.unsupported("another version than 1.0")
        }
        let budget = ComponentBudget()
        let model = try ModelReader.read(root.required("model"), path: "tokenizer.json: model")
        let added = try root.optional("added_tokens").map {
            try AddedTokenReader.read($0, path: "tokenizer.json: added_tokens", vocabulary: model.vocabulary)
        }
        let idBound = max(model.vocabulary.idBound, (added?.map { Int($0.id) + 1 }.max()) ?? 0)
        return try PipelineTokenizer(
            model: model,
            normalizer: try root.optional("normalizer").map {
                try NormalizerReader.read($0, path: "tokenizer.json: normalizer", budget: budget)
            },
            preTokenizer: try root.optional("pre_tokenizer").map {
                try PreTokenizerReader.read($0, path: "tokenizer.json: pre_tokenizer", budget: budget)
            },
            postProcessor: try root.optional("post_processor").map {
                try PostProcessorReader.read(
                    $0, path: "tokenizer.json: post_processor", budget: budget, idBound: idBound)
            },
            decoder: try root.optional("decoder").map {
                try DecoderReader.read($0, path: "tokenizer.json: decoder", budget: budget)
            },
            addedTokens: added ?? [], endOfTextIDs: endOfTextIDs, source: source)
    }
}

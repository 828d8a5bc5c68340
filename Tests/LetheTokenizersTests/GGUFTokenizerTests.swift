import Foundation
import LetheCore
import LetheTokenizers
import Testing

/// Tokenizers from GGUF vocabularies, and the tokenizer.json that they are exported as.
@Suite struct GGUFTokenizerTests {
    /// A byte-level fixture's vocabulary as a GGUF file holds it.
    private func byteLevel(_ kind: String, pre: String?) throws -> GGUFVocabulary {
        let document = try Fixture.json("\(kind).tokenizer.json")
        var tokens = [String](repeating: "", count: try Fixture.tokenizer(kind).vocabularySize)
        var types = [Int32](repeating: 1, count: tokens.count)
        for entry in try #require(document["model"]?["vocab"]?.objectValue).entries {
            tokens[try #require(entry.value.intValue)] = entry.key
        }
        for added in try #require(document["added_tokens"]?.arrayValue) {
            let id = try #require(added["id"]?.intValue)
            tokens[id] = try #require(added["content"]?.stringValue)
            types[id] = 3
        }
        let merges = try #require(document["model"]?["merges"]?.arrayValue).map { merge in
            (merge.arrayValue ?? []).compactMap(\.stringValue).joined(separator: " ")
        }
        return GGUFVocabulary(model: "gpt2", pre: pre, tokens: tokens, tokenTypes: types, merges: merges)
    }

    private func llama() throws -> GGUFVocabulary {
        let golden = try Fixture.json("gguf-llama.golden.json")
        return GGUFVocabulary(
            model: "llama", tokens: try #require(golden["tokens"]?.arrayValue).compactMap(\.stringValue),
            tokenTypes: try #require(Fixture.ids(golden["token_types"])),
            scores: try #require(golden["scores"]?.arrayValue).compactMap { $0.doubleValue.map(Float.init) },
            bosID: golden["bos"]?.intValue.map(Int32.init), eosID: golden["eos"]?.intValue.map(Int32.init),
            unknownID: golden["unknown"]?.intValue.map(Int32.init))
    }

    @Test(arguments: [("smollm", "smollm"), ("gpt2", "gpt-2"), ("qwen2", "qwen2"), ("llama3", "llama-bpe")])
    func `byte-level vocabularies give the ids of the reference`(kind: String, pre: String) throws {
        let tokenizer = try TokenizerLoader.gguf(byteLevel(kind, pre: pre))
        let golden = try #require(Fixture.json("\(kind).golden.json")["ids"]?.arrayValue)
        for (text, ids) in zip(try Fixture.texts(), golden) {
            #expect(try tokenizer.encode(text, addSpecialTokens: false) == Fixture.ids(ids))
        }
    }

    @Test func `a SentencePiece vocabulary is written as one that gives the same ids`() throws {
        let source = try llama()
        let tokenizer = try TokenizerLoader.gguf(source)
        let written = try GGUFVocabulary(tokenizer, tokenCount: tokenizer.vocabularySize, eosID: source.eosID)
        #expect(written.model == "llama" && written.tokens == source.tokens && written.bosID == source.bosID)
        #expect(written.tokenTypes == source.tokenTypes && written.unknownID == source.unknownID)
        #expect(written.addBOS == true && written.addSpacePrefix == true)
        let again = try TokenizerLoader.gguf(written)
        for text in try Fixture.texts() {
            #expect(
                try again.encode(text, addSpecialTokens: true) == tokenizer.encode(text, addSpecialTokens: true))
        }
    }

    @Test func `a SentencePiece vocabulary gives the ids of SentencePiece`() throws {
        let tokenizer = try TokenizerLoader.gguf(llama())
        let golden = try #require(Fixture.json("gguf-llama.golden.json")["ids"]?.arrayValue)
        var compared = 0
        for (index, (text, ids)) in zip(try Fixture.texts(), golden).enumerated() {
            guard let ids = Fixture.ids(ids) else { continue }
            compared += 1
            #expect(try tokenizer.encode(text, addSpecialTokens: false) == ids, "text \(index)")
            if !text.contains("▁") {
                #expect(same(tokenizer.decode(ids, skipSpecialTokens: true), text), "text \(index)")
            }
        }
        #expect(compared >= 450)
        #expect(try tokenizer.encode("a", addSpecialTokens: true).first == 1)
    }

    @Test func `the exported tokenizer gives the same ids`() throws {
        for vocabulary in [try byteLevel("smollm", pre: "smollm"), try llama()] {
            let tokenizer = try TokenizerLoader.gguf(vocabulary)
            let exported = try TokenizerLoader.tokenizerJSON(tokenizer.tokenizerJSON())
            #expect(exported.vocabularySize == tokenizer.vocabularySize)
            for text in try Fixture.texts() {
                #expect(
                    try exported.encode(text, addSpecialTokens: true) == tokenizer.encode(text, addSpecialTokens: true))
            }
        }
    }

    @Test func `control tokens are matched in the text and end it`() throws {
        var vocabulary = try byteLevel("smollm", pre: "smollm")
        let end = try #require(vocabulary.tokens.firstIndex(of: "<|end|>")).asID
        vocabulary.eosID = end
        vocabulary.bosID = try #require(vocabulary.tokens.firstIndex(of: "<|start|>")).asID
        vocabulary.addBOS = true
        vocabulary.addEOS = true
        let tokenizer = try TokenizerLoader.gguf(vocabulary)
        #expect(tokenizer.endOfTextIDs == [end])
        let ids = try tokenizer.encode("a<|end|>b", addSpecialTokens: true)
        #expect(ids.first == vocabulary.bosID)
        #expect(ids.last == end)
        #expect(ids.count == 5 && ids[2] == end)
        #expect(tokenizer.decode(ids, skipSpecialTokens: true) == "ab")
        #expect(tokenizer.decode(ids, skipSpecialTokens: false) == "<|start|>a<|end|>b<|end|>")
    }

    @Test func `special tokens outside ASCII come back`() throws {
        var vocabulary = try byteLevel("smollm", pre: "smollm")
        vocabulary.tokens.append("<é字Ġ>")
        vocabulary.tokenTypes.append(3)
        let tokenizer = try TokenizerLoader.gguf(vocabulary)
        let ids = try tokenizer.encode("é<é字Ġ>é", addSpecialTokens: false)
        #expect(ids.contains(Int32(vocabulary.tokens.count - 1)))
        #expect(tokenizer.decode(ids, skipSpecialTokens: false) == "é<é字Ġ>é")
    }

    @Test func `a byte-level vocabulary without merges is refused`() throws {
        var vocabulary = try byteLevel("gpt2", pre: "gpt-2")
        vocabulary.merges = []
        #expect { try TokenizerLoader.gguf(vocabulary) } throws: { isError($0, .badData, "tokenizer.ggml.merges") }
    }

    @Test func `vocabularies that contradict themselves are refused`() throws {
        func refuses(
            _ code: LetheError.Code, _ part: String, of kind: String = "gpt2",
            sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout GGUFVocabulary) -> Void
        ) throws {
            var vocabulary = kind == "llama" ? try llama() : try byteLevel(kind, pre: "gpt-2")
            change(&vocabulary)
            #expect(sourceLocation: sourceLocation) {
                try TokenizerLoader.gguf(vocabulary)
            } throws: {
                isError($0, code, part)
            }
        }
        try refuses(.unsupported, "tokenizer.ggml.model") { $0.model = "rwkv" }
        try refuses(.unsupported, "tokenizer.ggml.pre") { $0.pre = "something-new" }
        try refuses(.unsupported, "tokenizer.ggml.pre") { $0.pre = nil }
        try refuses(.badData, "tokenizer.ggml.tokens") { $0.tokens = [] }
        try refuses(.badData, "tokenizer.ggml.tokens[7]") { $0.tokens[7] = $0.tokens[6] }
        try refuses(.badData, "tokenizer.ggml.token_type") { $0.tokenTypes.removeLast() }
        try refuses(.badData, "tokenizer.ggml.eos_token_id") { $0.eosID = Int32($0.tokens.count) }
        try refuses(.badData, "tokenizer.ggml.bos_token_id") { $0.bosID = -1 }
        try refuses(.badData, "bos_token_id") { $0.addBOS = true }
        try refuses(.badData, "tokenizer.ggml.merges[0]") { $0.merges[0] = "alone" }
        try refuses(.badData, "merge 3") { $0.merges[3] = "qqq zzz" }
        try refuses(.badData, "tokenizer.ggml.scores", of: "llama") { $0.scores = nil }
        try refuses(.badData, "tokenizer.ggml.scores[300]", of: "llama") { $0.scores?[300] = .nan }
    }
}

extension Int {
    fileprivate var asID: Int32 { Int32(self) }
}

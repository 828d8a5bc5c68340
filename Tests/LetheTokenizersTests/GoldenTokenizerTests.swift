import LetheCore
import LetheTokenizers
import Testing

/// Ids and decoded texts of the reference library, for one tiny tokenizer of every kind.
@Suite struct GoldenTokenizerTests {
    /// The kinds that families ask for; each is checked on at least 500 texts.
    static let families = [
        "gpt2", "smollm", "llama3", "qwen2", "llama2", "gemma", "unigram", "unigram-bytes", "bert-uncased",
        "added-tokens",
    ]
    /// Further combinations of components.
    static let variants = [
        "mistral", "bert-cased", "qwen3.5", "tekken", "o200k", "prefix-space", "suffix-bpe", "prefix-bpe",
    ]

    @Test(arguments: families + variants)
    func `gives the ids of the reference`(kind: String) throws {
        let golden = try Fixture.json("\(kind).golden.json")
        let tokenizer = try Fixture.tokenizer(kind)
        let texts = try Fixture.texts()
        let expected = try #require(golden["ids"]?.arrayValue)
        #expect(expected.count >= (Self.families.contains(kind) ? 500 : 200))
        let prefix = try #require(Fixture.ids(golden["prefix"]))
        let suffix = try #require(Fixture.ids(golden["suffix"]))
        for (index, (text, ids)) in zip(texts, expected).enumerated() {
            let ids = try #require(Fixture.ids(ids))
            #expect(try tokenizer.encode(text, addSpecialTokens: false) == ids, "text \(index)")
            #expect(try tokenizer.encode(text, addSpecialTokens: true) == prefix + ids + suffix, "text \(index)")
        }
    }

    @Test(arguments: families + variants)
    func `decodes as the reference`(kind: String) throws {
        let golden = try Fixture.json("\(kind).golden.json")
        let tokenizer = try Fixture.tokenizer(kind)
        let texts = try Fixture.texts()
        for (index, ids) in try #require(golden["ids"]?.arrayValue).enumerated() {
            let ids = try #require(Fixture.ids(ids))
            let skipped = golden["decoded"]?["\(index)"]?.stringValue ?? texts[index]
            let kept = golden["decoded_special"]?["\(index)"]?.stringValue ?? skipped
            #expect(same(tokenizer.decode(ids, skipSpecialTokens: true), skipped), "text \(index)")
            #expect(same(tokenizer.decode(ids, skipSpecialTokens: false), kept), "text \(index)")
        }
    }

    @Test(arguments: families + variants)
    func `gives back the file it was read from`(kind: String) throws {
        let data = try Fixture.data("\(kind).tokenizer.json")
        #expect(try TokenizerLoader.tokenizerJSON(data).tokenizerJSON() == data)
    }

    @Test(arguments: families)
    func `names every token and finds it again`(kind: String) throws {
        let tokenizer = try Fixture.tokenizer(kind)
        var named = 0
        for id in 0..<Int32(tokenizer.vocabularySize) {
            guard let token = tokenizer.idToToken(id) else { continue }
            named += 1
            // Added tokens that are normalized are named by their normalized form.
            if kind != "added-tokens" { #expect(tokenizer.tokenToID(token) == id) }
        }
        #expect(named == tokenizer.vocabularySize)
        #expect(tokenizer.idToToken(-1) == nil)
        #expect(tokenizer.idToToken(Int32(tokenizer.vocabularySize)) == nil)
        #expect(tokenizer.idToToken(.max) == nil)
        #expect(tokenizer.tokenToID("no such token anywhere") == nil)
    }

    @Test func `skips ids outside the vocabulary when it decodes`() throws {
        let tokenizer = try Fixture.tokenizer("gpt2")
        let ids = try tokenizer.encode("harbour", addSpecialTokens: false)
        #expect(tokenizer.decode([-1, .max] + ids + [.min, 1_000_000], skipSpecialTokens: false) == "harbour")
    }

    @Test func `a tokenizer file names no end of text`() throws {
        #expect(try Fixture.tokenizer("llama2").endOfTextIDs.isEmpty)
    }
}

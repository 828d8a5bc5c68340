import LetheCore
import LetheTokenizers
import Testing

/// Byte-level vocabularies with all 256 bytes give back every text.
@Suite struct ByteLevelRoundTripTests {
    @Test(arguments: ["gpt2", "smollm", "llama3", "qwen3.5", "tekken", "o200k"])
    func `decoding gives back the text`(kind: String) throws {
        let tokenizer = try Fixture.tokenizer(kind)
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<400 {
            let text = RandomText.scalars(40, using: &generator)
            let ids = try tokenizer.encode(text, addSpecialTokens: false)
            #expect(same(tokenizer.decode(ids, skipSpecialTokens: false), text))
        }
    }

    @Test func `every scalar by itself comes back`() throws {
        let tokenizer = try Fixture.tokenizer("smollm")
        for value in stride(from: UInt32(0), to: 0x110000, by: 97) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(Character(scalar))
            let ids = try tokenizer.encode(text, addSpecialTokens: false)
            #expect(same(tokenizer.decode(ids, skipSpecialTokens: false), text))
        }
    }

    @Test func `bytes that are no text become replacement characters`() throws {
        let tokenizer = try Fixture.tokenizer("gpt2")
        let start = try #require(tokenizer.tokenToID("â"))
        let a = try #require(tokenizer.tokenToID("a"))
        #expect(tokenizer.decode([start, a], skipSpecialTokens: false) == "\u{FFFD}a")
    }
}

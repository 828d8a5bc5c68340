import Foundation
import LetheCore
import LetheTokenizers
import Testing

/// Long and repetitive texts: near-linear time, and limits that are checked first.
@Suite struct LongTextTests {
    @Test(
        .timeLimit(.minutes(2)),
        arguments: ["gpt2", "llama3", "qwen2", "llama2", "unigram", "bert-uncased", "added-tokens"])
    func `a long text of one character is cut in reasonable time`(kind: String) throws {
        let tokenizer = try Fixture.tokenizer(kind)
        for character in ["a", " ", "\n", "'", "<", "字", "\u{301}"] {
            let text = String(repeating: character, count: 100_000)
            _ = try tokenizer.encode(text, addSpecialTokens: false)
        }
    }

    @Test func `a text above the limit is refused`() throws {
        let tokenizer = try Fixture.tokenizer("gpt2")
        let text = String(repeating: "a", count: TokenizerLimits.maximumTextBytes + 1)
        #expect {
            try tokenizer.encode(text, addSpecialTokens: false)
        } throws: {
            isError($0, .limitExceeded, "\(TokenizerLimits.maximumTextBytes)")
        }
    }

    /// The definition of byte-pair encoding, one merge at a time.
    private func naive(_ word: [String], _ merges: [[String]]) -> [String] {
        var symbols = word
        while true {
            var best: (rank: Int, index: Int)?
            for index in 0..<max(0, symbols.count - 1) {
                if let rank = merges.lastIndex(of: [symbols[index], symbols[index + 1]]), rank < best?.rank ?? .max {
                    best = (rank, index)
                }
            }
            guard let best else { return symbols }
            symbols[best.index] += symbols.remove(at: best.index + 1)
        }
    }

    @Test func `short and long words are merged by the same rule`() throws {
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<25 {
            // A random vocabulary over two letters.
            var tokens = ["a", "b"]
            var merges: [[String]] = []
            for _ in 0..<20 {
                let left = tokens[generator.nextInt(below: tokens.count)]
                let pair = [left, tokens[generator.nextInt(below: tokens.count)]]
                if pair.joined().count > 12 { continue }
                merges.append(pair)
                if !tokens.contains(pair.joined()) { tokens.append(pair.joined()) }
            }
            let vocab = tokens.enumerated().map { ($0.element, JSONValue.integer(Int64($0.offset))) }
            let document: JSONValue = [
                "added_tokens": [], "normalizer": nil, "pre_tokenizer": nil, "post_processor": nil, "decoder": nil,
                "model": [
                    "type": "BPE", "vocab": .object(JSONObject(vocab)),
                    "merges": .array(merges.map { [.string($0[0]), .string($0[1])] }),
                ],
            ]
            let tokenizer = try TokenizerLoader.tokenizerJSON(document.serialized())
            for length in [1, 2, 7, 39, 40, 41, 42, 150, 151] {
                // The last word is all of one letter, where many merges have the same rank.
                let word = (0..<length).map { _ in generator.nextInt(below: 3) == 0 && length < 151 ? "b" : "a" }
                let expected = naive(word, merges)
                let ids = try tokenizer.encode(word.joined(), addSpecialTokens: false)
                #expect(ids.map { tokens[Int($0)] } == expected)
            }
        }
    }
}

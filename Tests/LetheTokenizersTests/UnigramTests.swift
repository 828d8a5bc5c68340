import LetheCore
import LetheTokenizers
import Testing

/// Viterbi's path where scores pull against one another. Ids from the reference library.
@Suite struct UnigramTests {
    private func tokenizer(unknown: JSONValue = 0) throws -> any Tokenizer {
        let document: JSONValue = [
            "model": [
                "type": "Unigram", "unk_id": unknown, "vocab": [["<unk>", 0], ["a", 5], ["ab", -9], ["c", 1]],
            ]
        ]
        return try TokenizerLoader.tokenizerJSON(document.serialized())
    }

    @Test(
        arguments: [
            ("ab", [2]), ("abc", [2, 3]), ("b", [0]), ("bbab", [0, 2]), ("acab", [1, 3, 2]),
        ] as [(String, [Int32])])
    func `an unknown character costs ten more than the worst token`(text: String, ids: [Int32]) throws {
        #expect(try tokenizer().encode(text, addSpecialTokens: false) == ids)
    }

    @Test func `without an unknown token an unknown character is an error`() throws {
        let tokenizer = try tokenizer(unknown: nil)
        #expect(try tokenizer.encode("abc", addSpecialTokens: false) == [2, 3])
        #expect {
            try tokenizer.encode("b", addSpecialTokens: false)
        } throws: {
            isError($0, .badData, "no token")
        }
    }
}

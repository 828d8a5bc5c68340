import Foundation
import LetheCore
import LetheTokenizers
import Testing

/// Vocabularies learnt from texts.
@Suite struct ByteLevelTrainerTests {
    private static let texts = [
        "The lamp on the pier is lit at seven, and the ferry leaves when the tide is in.",
        "The ferry to Marrow Island leaves at 7:45; the night crew sings.",
    ]

    @Test func `what it learns gives back every text, and shortens what it has seen`() throws {
        let data = try ByteLevelTrainer.tokenizerJSON(Self.texts, vocabularySize: 300)
        let tokenizer = try TokenizerLoader.tokenizerJSON(data)
        #expect((265...300).contains(tokenizer.vocabularySize))
        #expect(tokenizer.tokenToID(ByteLevelTrainer.endOfText) == 0)
        for text in Self.texts + ["Überfahrt um 7:45 \u{1F6A2}\n\tE\u{301}toile", "", " "] {
            let ids = try tokenizer.encode(text, addSpecialTokens: false)
            #expect(tokenizer.decode(ids, skipSpecialTokens: true).utf8.elementsEqual(text.utf8))
        }
        let ids = try tokenizer.encode(Self.texts[0], addSpecialTokens: false)
        #expect(ids.count < Self.texts[0].utf8.count * 2 / 3)
        #expect(try ByteLevelTrainer.tokenizerJSON(Self.texts, vocabularySize: 300) == data)
    }

    @Test func `it stops where nothing stands twice, and a vocabulary below the bytes is refused`() throws {
        let data = try ByteLevelTrainer.tokenizerJSON(["ab ab"], vocabularySize: 400)
        let tokenizer = try TokenizerLoader.tokenizerJSON(data)
        #expect(tokenizer.vocabularySize == 258)
        #expect(tokenizer.tokenToID("ab") == 257)
        #expect(throws: LetheError.self) { try ByteLevelTrainer.tokenizerJSON([], vocabularySize: 256) }
    }
}

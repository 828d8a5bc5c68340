import LetheCore
import Testing

/// Lengths are counted as JSON Schema counts them: in characters, whatever they take in UTF-8.
@Suite struct RequestLengthTests {
    private func request(text: String, reference: String) throws -> ErasureRequest {
        var limits = RequestLimits()
        limits.textCharacters = 5
        limits.referenceCharacters = 3
        return try ErasureRequest(
            json: [
                "category": "other", "items": [["text": .string(text)]], "reference": .string(reference),
            ], limits: limits)
    }

    @Test(arguments: ["abcde", "ééééé", "😀😀😀😀😀", "e\u{301}e\u{301}e", "日本語です"])
    func `as many characters as the limit are accepted`(text: String) throws {
        let accepted = try request(text: text, reference: "ééé")
        #expect(accepted.items == [.text(text)])
    }

    @Test(arguments: ["abcdef", "éééééé", "😀😀😀😀😀😀", "e\u{301}e\u{301}e\u{301}"])
    func `one character more is refused, with the count of characters and nothing of the text`(text: String) {
        let error = #expect(throws: LetheError.self) { try request(text: text, reference: "ok") }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message == "/items/0/text: 6 characters; the limit is 5")
    }

    @Test func `the reference has its own limit`() {
        let error = #expect(throws: LetheError.self) { try request(text: "a", reference: "éééé") }
        #expect(error?.message == "/reference: 4 characters; the limit is 3")
    }
}

import LetheModel
import Testing

/// all-MiniLM-L6-v2 against sentence-transformers' values.
@Suite(.enabled(if: RealModels.arePresent))
struct MiniLMTests {
    @Test func idsAndSentenceVectorsMatchTheReference() throws {
        let encoder = try SentenceEncoder(RealModels.miniLM)
        let cases = try RealModels.golden("minilm").list("cases")
        let sequences = try cases.map { try encoder.encode($0.text("text")) }
        // Packed together, so that sequences must not see each other.
        let vectors = try encoder.embed(sequences)
        for (index, example) in cases.enumerated() {
            #expect(try sequences[index] == example.ids("ids"))
            let expected = try example.numbers("embedding")
            let cosine = zip(vectors[index], expected).reduce(0.0) { $0 + Double($1.0) * $1.1 }
            let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(cosine / norm >= 0.9999)
        }
    }
}

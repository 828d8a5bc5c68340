/// Cuts at BERT's punctuation.
struct PunctuationPreTokenizer: PreTokenizer {
    let behavior: SplitBehavior

    func apply(to text: inout PreTokenizedText) throws {
        text.split(behavior) { CharacterClass.of($0).contains(.punctuation) }
    }
}

/// Drops white space and isolates punctuation (Devlin et al. 2019).
struct BertPreTokenizer: PreTokenizer {
    func apply(to text: inout PreTokenizedText) throws {
        text.split(.removed) { CharacterClass.of($0).contains(.whitespace) }
        text.split(.isolated) { CharacterClass.of($0).contains(.punctuation) }
    }
}

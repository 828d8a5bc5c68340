/// Separates numbers (Nd, Nl and No) from everything else: each by itself, or runs of them.
struct DigitsPreTokenizer: PreTokenizer {
    let individual: Bool

    func apply(to text: inout PreTokenizedText) throws {
        text.split(individual ? .isolated : .contiguous) { CharacterClass.of($0).contains(.digit) }
    }
}

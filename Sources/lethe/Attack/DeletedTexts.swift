import LetheCore
import LetheCorpus

/// Reads the deleted texts from JSON Lines.
enum DeletedTexts {
    /// `{"text"}` lines: an item of the data folder where it has that very text, else one with derived questions; and
    /// pairs, each an item of its own.
    /// - Throws: as ``JSONLines/items(in:)``.
    static func read(_ path: String, known: [PCHItem]) throws -> [PCHItem] {
        let byText = Dictionary(known.map { (Array($0.text.utf8), $0) }) { first, _ in first }
        return try JSONLines.items(in: path).map { item in
            switch item {
            case .text(let text):
                byText[Array(text.utf8)]
                    ?? PCHItem(
                        text: text, category: RequestCategory(formOf: text), pairs: QuestionDeriver.pairs(for: text))
            case .pair(let prompt, let completion):
                PCHItem(
                    text: prompt + completion, category: .other,
                    pairs: [QuestionAnswer(question: prompt, answer: completion)])
            }
        }
    }
}

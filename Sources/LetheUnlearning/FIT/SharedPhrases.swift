import Foundation

/// Phrases that an item has in common with keep texts, such as a disclaimer that many texts end with.
///
/// They are no item's own: a model that never saw the item knows them from the keep texts, while siblings have other words
/// in their place, and would have them forgotten. How sure such a model is of a token is estimated as an n-gram model of
/// the keep texts would: among the places that the longest context of the token is found at, the share that goes on
/// with it, less a discount (absolute discounting, Ney, Essen and Kneser 1994).
package struct SharedPhrases {
    /// Tokens of context that have to be found at least.
    private static let shortestContext = 2
    /// Tokens of context that are looked at, at most.
    private static let longestContext = 16
    /// Taken from the number of places that go on with a token.
    private static let discount: Float = 0.5

    private let texts: [[Int32]]

    /// Takes keep texts, but for those that say what the items say.
    package init(_ texts: [TrainingSequence], without own: OwnRuns) {
        self.texts = texts.map(\.ids).filter { !own.areRecited(in: $0) }
    }

    /// The nll of each counted token of a sequence, in nats; infinite where no keep text goes on as the sequence does.
    package func nll(_ sequence: TrainingSequence) -> [Float] {
        let ids = sequence.ids
        var tokens: [SIMD2<Int32>: [Int]] = [:]
        for row in sequence.targetRows where row + 1 >= Self.shortestContext {
            tokens[Self.context(before: row + 1, in: ids), default: []].append(row + 1)
        }
        var found = [(context: Int, places: Int, continued: Int)](repeating: (0, 0, 0), count: ids.count)
        for text in texts {
            for place in text.indices.dropFirst(Self.shortestContext) {
                for index in tokens[Self.context(before: place, in: text)] ?? [] {
                    let context = Self.commonContext(ids, index, text, place)
                    if context > found[index].context { found[index] = (context, 0, 0) }
                    guard context == found[index].context else { continue }
                    found[index].places += 1
                    if text[place] == ids[index] { found[index].continued += 1 }
                }
            }
        }
        return sequence.targetRows.map { row in
            let (_, places, continued) = found[row + 1]
            return continued == 0 ? .infinity : -log((Float(continued) - Self.discount) / Float(places))
        }
    }

    private static func context(before index: Int, in ids: [Int32]) -> SIMD2<Int32> {
        SIMD2(ids[index - 2], ids[index - 1])
    }

    /// How many tokens before two places are the same, up to ``longestContext``.
    private static func commonContext(_ ids: [Int32], _ index: Int, _ text: [Int32], _ place: Int) -> Int {
        var length = shortestContext
        while length < min(longestContext, index, place), ids[index - length - 1] == text[place - length - 1] {
            length += 1
        }
        return length
    }
}

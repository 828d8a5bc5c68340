import LetheCore

/// Counterfactual siblings: texts of the same form as a given one, with other names, numbers and phrases.
///
/// Nobody has seen a sibling, so how likely a model finds it says how likely it would find the given text had it never
/// seen that. In a text of `Key: value` fields each value is replaced by one of its kind: a person's name by another
/// everywhere it stands, an occupation and a person's description by invented ones, the names that code defines by
/// others. In running text, capitalised names, numbers, and words that stand in ``WordBank`` are replaced; a word keeps
/// its class and inflection, so that the sentence stays a sentence. What stands twice is replaced by the same.
public enum CounterfactualSiblings {
    /// Siblings of one text.
    /// - Parameters:
    ///   - text: any text.
    ///   - count: how many are wanted.
    ///   - seed: the same seed gives the same siblings.
    /// - Returns: at most `count` texts, all different from each other and from the given one; fewer, or none, when the
    ///   text has too little that could be replaced, such as a text in another script.
    public static func of(_ text: String, count: Int, seed: UInt64) -> [String] {
        of([.text(text)], count: count, seed: seed).compactMap { items in
            if case .text(let sibling)? = items.first { sibling } else { nil }
        }
    }

    /// Siblings of a whole request: in each, the same replacements run through all of its items.
    /// - Parameters:
    ///   - items: texts, and prompts with completions.
    ///   - count: how many are wanted.
    ///   - seed: the same seed gives the same siblings.
    /// - Returns: at most `count` lists, each with one item for each given one in the same order.
    public static func of(_ items: [ForgetItem], count: Int, seed: UInt64) -> [[ForgetItem]] {
        guard count > 0 else { return [] }
        // Mixed with the content, so that two texts with the same seed do not get the same names.
        let seed = items.reduce(seed) { hash($1, from: $0) }
        var siblings: [[ForgetItem]] = []
        // A text with a single short number has few siblings; a few more draws than are wanted find most of them.
        for attempt in 0..<(min(count, 100_000) * 4) where siblings.count < count {
            var mixer = SeededGenerator(seed: seed ^ (UInt64(attempt) &* 0xD1B5_4A32_D192_ED03))
            var rewriter = SiblingRewriter(generator: SeededGenerator(seed: mixer.next()))
            let sibling = rewriter.rewrite(items)
            let isNew = zip(sibling, items).contains { $0 != $1 } && !siblings.contains(sibling)
            if isNew { siblings.append(sibling) }
        }
        return siblings
    }

    /// FNV-1a over the bytes of an item.
    private static func hash(_ item: ForgetItem, from start: UInt64) -> UInt64 {
        let bytes: [UInt8] =
            switch item {
            case .text(let text): Array(text.utf8)
            case .pair(let prompt, let completion): prompt.utf8 + [0] + completion.utf8
            }
        return bytes.reduce(start ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}

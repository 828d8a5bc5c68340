/// ROUGE-N and ROUGE-L (C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", 2004) with the
/// tokeniser and the rounding-free arithmetic of the `rouge-score` package.
///
/// Words are runs of `a`–`z` and `0`–`9` after lower-casing; everything else separates. Words longer than three
/// letters are stemmed (``PorterStemmer``).
public enum Rouge {
    /// The units that are compared.
    /// - Parameters:
    ///   - text: any text.
    ///   - stemming: whether words longer than three letters are stemmed.
    /// - Returns: the words in order; empty when the text has no ASCII letter or digit.
    public static func tokens(_ text: String, stemming: Bool = true) -> [String] {
        text.lowercased().utf8
            .split { !(UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) }
            .map { word in
                let word = String(decoding: word, as: UTF8.self)
                return stemming && word.utf8.count > 3 ? PorterStemmer.stem(word) : word
            }
    }

    /// ROUGE-N: overlap of n-grams, each counted at most as often as the other side has it.
    /// - Parameters:
    ///   - size: n; a value below 1 gives ``RougeScore/zero``.
    ///   - target: the reference text.
    ///   - prediction: the text that is scored.
    ///   - stemming: whether words longer than three letters are stemmed.
    public static func n(_ size: Int, target: String, prediction: String, stemming: Bool = true) -> RougeScore {
        let targetCounts = counts(tokens(target, stemming: stemming), size: size)
        let predictionCounts = counts(tokens(prediction, stemming: stemming), size: size)
        let shared = targetCounts.reduce(0) { $0 + min($1.value, predictionCounts[$1.key] ?? 0) }
        return RougeScore(
            precision: Double(shared) / Double(max(predictionCounts.values.reduce(0, +), 1)),
            recall: Double(shared) / Double(max(targetCounts.values.reduce(0, +), 1)))
    }

    /// ROUGE-L: the longest common subsequence of words.
    ///
    /// Time is the product of the two word counts, memory the smaller of them.
    /// - Parameters:
    ///   - target: the reference text.
    ///   - prediction: the text that is scored.
    ///   - stemming: whether words longer than three letters are stemmed.
    public static func l(target: String, prediction: String, stemming: Bool = true) -> RougeScore {
        let targetWords = tokens(target, stemming: stemming)
        let predictionWords = tokens(prediction, stemming: stemming)
        guard !targetWords.isEmpty, !predictionWords.isEmpty else { return .zero }
        let common = Double(longestCommonSubsequence(targetWords, predictionWords))
        return RougeScore(
            precision: common / Double(predictionWords.count), recall: common / Double(targetWords.count))
    }

    private static func counts(_ words: [String], size: Int) -> [ArraySlice<String>: Int] {
        guard size > 0, words.count >= size else { return [:] }
        var counts: [ArraySlice<String>: Int] = [:]
        for start in 0...(words.count - size) {
            counts[words[start..<start + size], default: 0] += 1
        }
        return counts
    }

    /// The length of the longest sequence that both have in the same order, not necessarily without gaps.
    static func longestCommonSubsequence(_ first: [String], _ second: [String]) -> Int {
        let (long, short) = first.count >= second.count ? (first, second) : (second, first)
        var row = [Int](repeating: 0, count: short.count + 1)
        for word in long {
            var diagonal = 0
            for column in 1..<row.count {
                let above = row[column]
                row[column] = word == short[column - 1] ? diagonal + 1 : max(above, row[column - 1])
                diagonal = above
            }
        }
        return row[short.count]
    }
}

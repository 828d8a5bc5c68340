import Foundation
import LetheCore
import LetheModel

/// The perplexity of ordinary text.
enum TextPerplexity {
    /// Tokens of a window; the first token of each is not predicted.
    static let window = 1024

    /// exp of the mean negative log-probability of all predicted tokens.
    /// - Throws: `bad_data` when no text has two tokens.
    static func measure(
        _ texts: [String], _ model: LanguageModel, progress: (Double) throws -> Void
    ) throws -> Double {
        let size = min(window, model.configuration.maximumPositions)
        let windows = try texts.flatMap { text -> [[Int32]] in
            let ids = try model.encode(text)
            return stride(from: 0, to: ids.count, by: max(2, size)).map {
                Array(ids[$0..<min($0 + max(2, size), ids.count)])
            }
        }.filter { $0.count > 1 }
        guard !windows.isEmpty else { throw LetheError(.badData, "the utility text has fewer than two tokens") }
        var total = 0.0
        var count = 0
        for (index, ids) in windows.enumerated() {
            let logs = try model.tokenLogProbabilities(ids)
            total -= logs.reduce(0) { $0 + Double($1) }
            count += logs.count
            try progress(Double(index + 1) / Double(windows.count))
        }
        return total.isNaN ? .infinity : exp(total / Double(count))
    }
}

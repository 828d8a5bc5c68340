import Foundation
import LetheCore
import LetheTensor

/// Continues prompts token by token over key-value caches, several at a time.
public struct TextGenerator {
    /// New tokens of each prompt at most.
    public var maximumNewTokens: Int
    /// 0 is greedy: the most likely token, the first of equals.
    public var temperature: Double = 0
    /// Seed of sampling.
    public var seed: UInt64 = 0
    /// Whether a text ends at the token that stands for its end; otherwise the model writes on, up to the limit.
    package var stopsAtEnd = true
    /// Prompts that run side by side.
    public var batchSize = 32

    /// Greedy generation of at most `maximumNewTokens` tokens a prompt.
    public init(maximumNewTokens: Int) { self.maximumNewTokens = maximumNewTokens }

    /// The new ids of each prompt, up to and including the token that ended it.
    /// - Throws: `bad_data` for an empty prompt or a token outside the vocabulary, `limit_exceeded` for a prompt that
    ///   leaves no room for the new tokens.
    public func generate(_ model: LanguageModel, prompts: [[Int32]]) throws -> [[Int32]] {
        try generate(model, prompts: prompts.map { ($0, maximumNewTokens) })
    }

    /// The same, each prompt with the new tokens that it gets at most, of which ``maximumNewTokens`` is the limit.
    /// - Throws: as ``generate(_:prompts:)``.
    package func generate(_ model: LanguageModel, prompts: [(ids: [Int32], limit: Int)]) throws -> [[Int32]] {
        var results: [[Int32]] = []
        var generator = SeededGenerator(seed: seed)
        for start in stride(from: 0, to: prompts.count, by: max(1, batchSize)) {
            let batch = Array(prompts[start..<min(start + max(1, batchSize), prompts.count)])
            results += try generateBatch(model, batch, &generator)
        }
        return results
    }

    private func generateBatch(
        _ model: LanguageModel, _ prompts: [(ids: [Int32], limit: Int)], _ generator: inout SeededGenerator
    ) throws -> [[Int32]] {
        var results = prompts.map { _ in [Int32]() }
        let limits = prompts.map { min($0.limit, maximumNewTokens) }
        let continued = prompts.indices.filter { limits[$0] > 0 }
        guard let longest = continued.map({ limits[$0] }).max() else { return results }
        let begun = continued.map { prompts[$0].ids }
        guard begun.allSatisfy({ !$0.isEmpty }) else { throw LetheError(.badData, "a prompt has no tokens") }
        let ends = stopsAtEnd ? model.endOfTextIDs : []
        try model.decoder.continuePrompts(begun, maximumNewTokens: longest) { state, active in
            zip(active, try choose(model.decoder, state, &generator)).map { sequence, token in
                let place = continued[sequence]
                results[place].append(token)
                return ends.contains(token) || results[place].count == limits[place] ? nil : token
            }
        }
        return results
    }

    private func choose(_ decoder: Decoder, _ state: Matrix, _ generator: inout SeededGenerator) throws -> [Int32] {
        let head = try OutputHead(decoder, hidden: state)
        var chosen: [Int32] = []
        for rows in head.blocks {
            let logits = try head.logits(rows)
            if temperature <= 0 {
                chosen += Kernels.logitStatistics(logits, targets: Array(repeating: 0, count: rows.count)).argmax
                continue
            }
            Kernels.scale(logits, by: Float(1 / temperature))
            let statistics = Kernels.logitStatistics(logits, targets: Array(repeating: 0, count: rows.count))
            for row in 0..<rows.count {
                let threshold = generator.nextUniform()
                var sum = 0.0
                var token = 0
                while token < logits.columns - 1 {
                    let logit = logits.pointer[row * logits.stride + token]
                    sum += exp(Double(logit - statistics.logSumExp[row]))
                    if sum > threshold { break }
                    token += 1
                }
                chosen.append(Int32(token))
            }
        }
        return chosen
    }
}

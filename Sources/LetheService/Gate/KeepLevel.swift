import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheUnlearning

/// How well a model predicts keep texts.
enum KeepLevel {
    /// Mean NLL, share of tokens predicted right, and mean over texts of exp(-mean NLL).
    /// - Throws: what the model throws for sequences that do not fit it.
    static func measure(_ model: LanguageModel, _ sequences: [TrainingSequence]) throws -> UnlearningRecord.Level {
        var level = UnlearningRecord.Level()
        guard !sequences.isEmpty else { return level }
        let batch = PackedBatch(sequences.map(\.ids))
        let statistics = try model.statistics(batch)
        var tokens = 0
        for (index, sequence) in sequences.enumerated() {
            let start = batch.rows(index).lowerBound
            var total = 0.0
            for row in sequence.targetRows {
                total += Double(statistics.nll[start + row])
                if statistics.argmax[start + row] == sequence.ids[row + 1] { level.accuracy += 1 }
            }
            level.nll += total
            level.probability += exp(-total / Double(max(1, sequence.targetCount)))
            tokens += sequence.targetCount
        }
        level.nll /= Double(max(1, tokens))
        level.accuracy /= Double(max(1, tokens))
        level.probability /= Double(sequences.count)
        return level
    }
}

import LetheCore
import LetheCorpus
import LetheModel
import LetheTensor

/// What each layer already knows of the answers: the final norm and the output head are applied to the state after every
/// layer (nostalgebraist, "interpreting GPT: the logit lens", 2020), and the true answer's tokens are looked up.
struct LogitLens {
    /// The mean over the questions, one value for each layer from the first on.
    struct Curves {
        /// exp(mean log p of the answer's tokens).
        var probability: [Double]
        /// The mean of 1 / rank of the answer's tokens; 1 when each is the most likely.
        var reciprocalRank: [Double]
    }

    /// Rows of one packed batch.
    var batchTokens = 2048

    /// Looks at every question of the items.
    /// - Throws: `bad_data` for a question or an answer without tokens, `limit_exceeded`.
    func measure(_ model: LanguageModel, _ items: [PCHItem]) throws -> Curves {
        let pairs = items.flatMap(\.pairs)
        guard !pairs.isEmpty else { throw LetheError(.badData, "a set without questions cannot be probed") }
        let sequences = try pairs.map { pair in
            let question = try model.encode(pair.question)
            let answer = try model.encode(pair.answer)
            guard !question.isEmpty, !answer.isEmpty else {
                throw LetheError(.badData, "a question or an answer has no tokens")
            }
            return (ids: question + answer, first: question.count)
        }
        let layers = model.configuration.layerCount
        var probability = [Double](repeating: 0, count: layers)
        var rank = [Double](repeating: 0, count: layers)
        for part in PackedBatch.ranges(lengths: sequences.map(\.ids.count), rowLimit: batchTokens) {
            let batch = PackedBatch(sequences[part].map(\.ids))
            var answerRows: [Int] = []
            var targets: [Int32] = []
            var lengths: [Int] = []
            for (place, sequence) in sequences[part].enumerated() {
                let offset = batch.rows(place).lowerBound
                answerRows += (sequence.first..<sequence.ids.count).map { offset + $0 - 1 }
                targets += sequence.ids[sequence.first...]
                lengths.append(sequence.ids.count - sequence.first)
            }
            var state = try model.decoder.embed(batch)
            for layer in 0..<layers {
                state = try model.decoder.forwardLayer(layer, state, batch: batch)
                let rows = try Matrix(rows: answerRows.count, columns: state.columns)
                for (place, row) in answerRows.enumerated() {
                    rows.rowRange(place, 1).assign(state.rowRange(row, 1))
                }
                let (logs, reciprocals) = try look(model, rows, targets)
                var first = 0
                for length in lengths {
                    let range = first..<first + length
                    first = range.upperBound
                    probability[layer] += TokenMetrics.answerProbability(Array(logs[range])) ?? 0
                    rank[layer] += reciprocals[range].reduce(0, +) / Double(length)
                }
            }
        }
        let count = Double(sequences.count)
        return Curves(probability: probability.map { $0 / count }, reciprocalRank: rank.map { $0 / count })
    }

    /// log p and 1 / rank of each target; the rank is one more than the number of likelier tokens.
    private func look(
        _ model: LanguageModel, _ states: Matrix, _ targets: [Int32]
    ) throws -> (logs: [Double], reciprocals: [Double]) {
        let head = try OutputHead(model.decoder, hidden: states)
        var logs: [Double] = []
        var reciprocals: [Double] = []
        for rows in head.blocks {
            let logits = try head.logits(rows)
            let own = Array(targets[rows])
            logs += Kernels.logitStatistics(logits, targets: own).nll.map { -Double($0) }
            for (row, target) in own.enumerated() {
                let values = logits.pointer + row * logits.stride
                let threshold = values[Int(target)]
                var likelier: Int32 = 0
                for column in 0..<logits.columns where values[column] > threshold { likelier &+= 1 }
                reciprocals.append(1 / Double(likelier + 1))
            }
        }
        return (logs, reciprocals)
    }
}

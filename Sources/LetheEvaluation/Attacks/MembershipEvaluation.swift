import LetheCore
import LetheCorpus
import LetheModel
import LetheTensor
import LetheTokenizers

/// Membership inference: can the texts that a model was trained on be told from others by how likely it finds them?
///
/// Five scores of each text (``MembershipInference``), and for each the area under the ROC curve with a 95 % bootstrap
/// interval. After deletion, members are the kept texts and non-members the deleted ones: 0.5 means that deleted texts
/// still look like members, and a value near the retain model's that they look like texts never seen. Much more than the
/// retain model's is a trace too: text that was pushed too far stands out (Chen et al., FUMA, 2025).
public enum MembershipEvaluation {
    /// Tokens of a text that are scored.
    static let window = 1024
    /// Rows of one packed batch.
    static let batchTokens = 2048

    /// The AUC of each score: `loss`, `zlib`, `min_k`, `min_k_plus_plus` and `reference`.
    /// - Parameters:
    ///   - model: the model under test.
    ///   - reference: a model of the same tokenizer whose loss is taken away in `reference`, such as the original one.
    ///   - members: texts expected to look like members.
    ///   - nonMembers: texts expected not to.
    ///   - seed: of the bootstrap.
    /// - Throws: `bad_data` for an empty set, a text of fewer than two tokens, or models with different tokenizers,
    ///   `limit_exceeded`.
    public static func run(
        model: LanguageModel, reference: LanguageModel, members: [PCHItem], nonMembers: [PCHItem], seed: UInt64
    ) throws -> [MembershipResult] {
        let inside = try scores(model, reference, members)
        let outside = try scores(model, reference, nonMembers)
        return try Scores.names.enumerated().map { index, name in
            var generator = SeededGenerator(seed: seed &+ UInt64(index))
            let area = try AreaUnderCurve.bootstrap(
                lower: inside.map { $0.values[index] }, higher: outside.map { $0.values[index] },
                generator: &generator)
            return MembershipResult(score: name, area: area)
        }
    }

    /// All scores of one text.
    private struct Scores {
        static let names = ["loss", "zlib", "min_k", "min_k_plus_plus", "reference"]
        let values: [Double]
    }

    private static func scores(
        _ model: LanguageModel, _ reference: LanguageModel, _ items: [PCHItem]
    ) throws -> [Scores] {
        let limit = min(window, model.configuration.maximumPositions, reference.configuration.maximumPositions)
        let texts = try items.map { item in
            let ids = try model.encode(item.text)
            guard try reference.encode(item.text) == ids else {
                throw LetheError(.badData, "the model and the reference model have different tokenizers")
            }
            guard ids.count > 1 else { throw LetheError(.badData, "a text of fewer than two tokens has no score") }
            // The compressed size is that of what is scored.
            let text =
                ids.count > limit
                ? model.tokenizer.decode(Array(ids.prefix(limit)), skipSpecialTokens: true) : item.text
            return (ids: Array(ids.prefix(limit)), bytes: try ZlibLength.compressedBytes(text))
        }
        var results: [Scores] = []
        for part in PackedBatch.ranges(lengths: texts.map(\.ids.count), rowLimit: batchTokens) {
            let batch = PackedBatch(texts[part].map(\.ids))
            let own = try model.statistics(batch, moments: true)
            let other = try reference.statistics(batch)
            for (place, text) in texts[part].enumerated() {
                let range = batch.rows(place).dropLast()
                let logs = own.nll[range].map { -Double($0) }
                let values = [
                    MembershipInference.loss(logs),
                    MembershipInference.zlib(logs, compressedBytes: text.bytes), MembershipInference.minK(logs),
                    MembershipInference.minKPlusPlus(
                        logs, means: own.mean[range].map(Double.init), variances: own.variance[range].map(Double.init)),
                    MembershipInference.reference(logs, reference: other.nll[range].map { -Double($0) }),
                ].compactMap { $0 }
                guard values.count == Scores.names.count else {
                    throw LetheError(.internalError, "a membership score is missing")
                }
                results.append(Scores(values: values))
            }
        }
        return results
    }
}

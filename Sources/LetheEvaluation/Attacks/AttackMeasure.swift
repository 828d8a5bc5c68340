import LetheCore

/// What an attack's values are of a set of texts with their questions.
enum AttackMeasure: String, CaseIterable {
    /// 100 · ∛(P · R · A).
    case aggregate
    /// P: the mean over the questions of exp(mean log-probability of the answer's tokens).
    case answerProbability = "answer_probability"
    /// R: the mean ROUGE-L F-measure of the greedy answers.
    case rougeL = "rouge_l"

    /// The value over some items of a score.
    func value(_ items: some Sequence<SetEvaluator.ItemScore>) -> Double {
        let items = Array(items)
        switch self {
        case .answerProbability: return items.flatMap(\.probabilities).mean ?? 0
        case .rougeL: return items.flatMap(\.rougeL).mean ?? 0
        case .aggregate:
            return SetEvaluator.aggregate(items).value
        }
    }
}

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
        func mean(_ values: [Double]) -> Double { SampleSummary(values).mean }
        switch self {
        case .answerProbability: return mean(items.flatMap(\.probabilities))
        case .rougeL: return mean(items.flatMap(\.rougeL))
        case .aggregate:
            return AggregateScore(
                probability: mean(items.flatMap(\.probabilities)), rougeL: mean(items.flatMap(\.rougeL)),
                accuracy: mean(items.map(\.accuracy))
            ).value
        }
    }
}

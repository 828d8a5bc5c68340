/// Distillation to what a model that never saw the text would say: mean_t w_t KL(q_t ‖ p_t) over the counted tokens,
/// q_t being the mean of the frozen original's predictions at the corresponding places of counterfactual siblings, texts
/// of the same form with other names, numbers and phrases.
///
/// The teacher by intervention of Liu et al. 2024, "Revisiting Who's Harry Potter" (arXiv 2407.16997), which averages
/// over several replacements. The loss is bounded below, and its minimum is neither a wrong answer nor a refusal: words
/// that belong to the form stay as likely as they are, and what is particular to the text becomes as unlikely as if it
/// had never been seen. A sequence without siblings is trained by ``GradientAscent``.
public struct CounterfactualDistillation: ForgetObjective {
    /// The name that options and reports use.
    public static let name = "counterfactual"

    /// The objective.
    public init() {}

    /// Whether the original's predictions for siblings are needed.
    public var needsCounterfactuals: Bool { true }
    /// The divergence from a prediction of never-seen text is least where the text is as if never seen.
    public var isBounded: Bool { true }

    /// Loss and gradient of each sequence.
    public func losses(_ input: ForgetInput) -> [SequenceLoss] {
        let count = Float(max(1, input.tokenCount))
        return input.sequences.indices.map { index in
            let sequence = input.sequences[index]
            let weights = input.weights[index].map { $0 / count }
            guard let counterfactual = input.counterfactuals[index] else {
                return .crossEntropy(coefficients: sequence.atTargetRows(weights.map { -$0 }))
            }
            let pushes = zip(sequence.targetRows, input.nll[index]).map { row, nll in
                nll < counterfactual.nll[row] ? -1 / count : 0
            }
            return .distributions(
                counterfactual.predictions, coefficients: sequence.atTargetRows(weights),
                targetCoefficients: sequence.atTargetRows(pushes))
        }
    }
}

import LetheCore
import LetheModel

/// How attacks are carried out.
public struct AttackSettings: Sendable, Equatable {
    /// Relearning: which shares of the deleted texts are taught again, each in a run of its own.
    public var shares = [0.1, 0.2, 0.5]
    /// Relearning: passes over the taught texts, each number in a run of its own.
    public var epochs = [3]
    /// Relearning: peak learning rate of AdamW over every parameter.
    public var learningRate = 1e-4
    /// Relearning: how many generated texts that have nothing to do with the deleted ones are taught in the run on
    /// unrelated text; 0 leaves it out.
    public var unrelatedTexts = 30
    /// Quantisation: the number formats.
    public var formats = WeightFormat.allCases
    /// Quantisation: whether embeddings and output head are rounded too. Off: weight-only quantisers keep them wider
    /// than the other matrices, and rounding them damages a small model so much that less comes back.
    public var quantizesEmbeddings = false
    /// Prompting: which shares of a text are given as its beginning.
    public var prefixShares = [0.1, 0.25, 0.5, 0.75]
    /// Prompting: other ways to ask.
    public var templates = PromptTemplate.all
    /// Prompting: how many kept items of the same form, with their answers, stand before a question.
    public var neighbours = [3]
    /// New tokens of an answer at most.
    public var maximumAnswerTokens = 64

    /// The defaults.
    public init() {}

    /// Checks that every setting is in its range.
    /// - Throws: `usage` naming the setting that is not.
    public func validate() throws {
        func require(_ holds: Bool, _ message: String) throws {
            guard holds else { throw LetheError(.usage, message) }
        }
        try require(shares.allSatisfy { $0 > 0 && $0 < 1 }, "shares: each must be between 0 and 1")
        try require(epochs.allSatisfy { 1...100 ~= $0 }, "epochs: each must be from 1 to 100")
        try require(learningRate > 0 && learningRate <= 1, "learning rate: must be above 0 and at most 1")
        try require(0...1000 ~= unrelatedTexts, "unrelated texts: must be from 0 to 1000")
        try require(prefixShares.allSatisfy { $0 > 0 && $0 < 1 }, "prefixes: each must be between 0 and 1")
        try require(neighbours.allSatisfy { 1...32 ~= $0 }, "neighbours: each must be from 1 to 32")
        try require(1...1024 ~= maximumAnswerTokens, "answer tokens: must be from 1 to 1024")
    }

    /// The measure of a model: answers as long as the settings say, texts as long as the model takes them.
    func evaluator(for model: LanguageModel) -> SetEvaluator {
        var evaluator = SetEvaluator()
        evaluator.maximumAnswerTokens = maximumAnswerTokens
        evaluator.window = min(evaluator.window, model.configuration.maximumPositions)
        return evaluator
    }
}

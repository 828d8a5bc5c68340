/// A task beyond the benchmark.
public struct UtilityResult: Codable, Sendable, Equatable {
    /// The task's name.
    public var task: String
    /// The layout of its file: `mmlu`, `commonsense_qa`, `gsm8k` or `text`.
    public var layout: String
    /// What the scores are: `accuracy`, `exact_match` or `perplexity`.
    public var measure: String
    /// How many items it has.
    public var items: Int
    /// The name of the method whose model was measured.
    public var method: String
    /// The unlearned model's score.
    public var score: Double
    /// The original model's score.
    public var original: Double

    /// Creates a result.
    public init(
        task: String, layout: String, measure: String, items: Int, method: String, score: Double, original: Double
    ) {
        self.task = task
        self.layout = layout
        self.measure = measure
        self.items = items
        self.method = method
        self.score = score
        self.original = original
    }
}

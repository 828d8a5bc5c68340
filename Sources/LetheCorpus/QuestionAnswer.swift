/// A question about a text and its answer.
public struct QuestionAnswer: Sendable, Equatable {
    /// The question, as it is put to the model.
    public var question: String
    /// The answer that the text gives; never empty.
    public var answer: String
    /// The answer in other words, for the truth ratio; nil when there is none.
    public var paraphrasedAnswer: String?
    /// Wrong answers of the same form, for the truth ratio.
    public var wrongAnswers: [String]

    /// Creates a pair.
    public init(question: String, answer: String, paraphrasedAnswer: String? = nil, wrongAnswers: [String] = []) {
        self.question = question
        self.answer = answer
        self.paraphrasedAnswer = paraphrasedAnswer
        self.wrongAnswers = wrongAnswers
    }
}

import LetheCore

/// One text of the benchmark with what belongs to it.
public struct PCHItem: Sendable, Equatable {
    /// The text; never blank.
    public var text: String
    /// The category told from its form.
    public var category: RequestCategory
    /// Its questions and answers; at least one.
    public var pairs: [QuestionAnswer]
    /// Counterfactual siblings: texts of the same form with other names, numbers and phrases, known to nobody.
    public var siblings: [String]

    /// Creates an item.
    public init(text: String, category: RequestCategory, pairs: [QuestionAnswer], siblings: [String] = []) {
        self.text = text
        self.category = category
        self.pairs = pairs
        self.siblings = siblings
    }
}

import LetheCore
import LetheCorpus

/// The data that a model was evaluated on.
public struct DataDescription: Codable, Sendable, Equatable {
    /// Its name, such as the folder's.
    public var name: String
    /// A digest of its content.
    public var digest: String
    /// How many texts there are to forget.
    public var forgetTexts: Int
    /// How many texts there are to keep.
    public var retainTexts: Int
    /// How many questions the forget texts have.
    public var forgetPairs: Int
    /// How many questions the retain texts have.
    public var retainPairs: Int
    /// Whether questions of either side were derived from the texts.
    public var questionsAreDerived: Bool
    /// How many forget texts each category has.
    public var forgetCategories: [String: Int]
    /// How many retain texts each category has.
    public var retainCategories: [String: Int]

    /// Describes a dataset.
    public init(_ dataset: PCHDataset, name: String, digest: String) {
        self.name = name
        self.digest = digest
        forgetTexts = dataset.forget.count
        retainTexts = dataset.retain.count
        forgetPairs = dataset.forget.reduce(0) { $0 + $1.pairs.count }
        retainPairs = dataset.retain.reduce(0) { $0 + $1.pairs.count }
        questionsAreDerived = dataset.forgetQuestionsAreDerived || dataset.retainQuestionsAreDerived
        forgetCategories = Dictionary(grouping: dataset.forget, by: \.category.rawValue).mapValues(\.count)
        retainCategories = Dictionary(grouping: dataset.retain, by: \.category.rawValue).mapValues(\.count)
    }

    enum CodingKeys: String, CodingKey {
        case name, digest
        case forgetTexts = "forget_texts"
        case retainTexts = "retain_texts"
        case forgetPairs = "forget_pairs"
        case retainPairs = "retain_pairs"
        case questionsAreDerived = "questions_derived"
        case forgetCategories = "forget_categories"
        case retainCategories = "retain_categories"
    }
}

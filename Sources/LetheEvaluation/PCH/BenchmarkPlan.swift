import LetheCore
import LetheCorpus
import LetheModel

/// Everything that decides what a benchmark run computes.
public struct BenchmarkPlan {
    /// What a deletion request hands over.
    public enum RequestItems: String, Sendable, CaseIterable {
        /// The text.
        case text
        /// The text with its questions and answers: all that the model was taught of it.
        case textAndPairs = "text+qa"
    }

    /// The texts.
    public var data: PCHDataset
    /// The data's name, for the report.
    public var dataName: String
    /// The base model's name, for the report.
    public var modelName: String
    /// The preset's name, for the report.
    public var preset = "custom"
    /// How the original and the retain model are taught.
    public var recipe = TeachingRecipe()
    /// The methods under test; the controls are added.
    public var methods: [BenchmarkMethod] = []
    /// Seeds of the stream.
    public var seeds: [UInt64] = [20, 30]
    /// What a request hands over.
    public var requestItems = RequestItems.textAndPairs
    /// Share of the retain texts, with their questions, that the methods get to keep; 0: none.
    public var keepShare = 0.5
    /// Factor of every method's learning rate: a tiny model needs larger steps.
    public var rateScale = 1.0
    /// Names of the attacks on each method's final model.
    public var attacks: [String] = []
    /// How they are carried out.
    public var attackSettings = AttackSettings()
    /// Tasks beyond the benchmark.
    public var utility: [UtilityTask] = []
    /// Whether a model is retrained at each checkpoint without exactly the texts deleted so far.
    public var retrains = false
    /// How models are measured.
    public var evaluator = SetEvaluator()

    /// A plan with the defaults.
    public init(data: PCHDataset, dataName: String, modelName: String) {
        self.data = data
        self.dataName = dataName
        self.modelName = modelName
    }

    /// Settings that all methods share, as the report shows them.
    var settings: [String: String] {
        var settings = recipe.settings
        settings["preset"] = preset
        settings["request_items"] = requestItems.rawValue
        settings["keep_share"] = "\(keepShare)"
        settings["learning_rate_scale"] = "\(rateScale)"
        settings["answer_tokens"] = "\(evaluator.maximumAnswerTokens)"
        if !attacks.isEmpty { settings["attacks"] = attacks.joined(separator: ", ") }
        return settings
    }

    /// What a reader of the result has to know.
    var notes: [String] {
        var notes = data.notes
        switch requestItems {
        case .text: notes.append("A deletion request holds the text alone, without its questions and answers.")
        case .textAndPairs:
            notes.append(
                "A deletion request holds the text and its questions with their answers: all that the model was taught "
                    + "of it. Forgetting is measured with the same questions.")
        }
        if keepShare > 0 {
            notes.append(
                "The methods were given \(ReportNumber.fixed(100 * keepShare, 0)) % of the retain texts with their "
                    + "questions to keep; the rest was in no update.")
        } else {
            notes.append("The methods were given no texts to keep; keep terms work on texts that the model writes.")
        }
        return notes
    }

    /// All rows: the methods, then the controls that are not among them.
    var rows: [BenchmarkMethod] {
        get throws {
            let controls = try BenchmarkMethod.controls
            return methods.filter { method in !controls.contains { $0.name == method.name } } + controls
        }
    }

    /// Checks what can be checked before any work.
    /// - Throws: `bad_data` or `usage`.
    func validate() throws {
        guard !data.forget.isEmpty, !data.retain.isEmpty else {
            throw LetheError(.badData, "the data need texts on both sides")
        }
        guard !seeds.isEmpty, Set(seeds).count == seeds.count else {
            throw LetheError(.usage, "seeds: at least one, and none twice")
        }
        guard keepShare >= 0, keepShare <= 1 else { throw LetheError(.usage, "keep share: must be from 0 to 1") }
        guard rateScale > 0, rateScale.isFinite else {
            throw LetheError(.usage, "learning rate scale: must be above 0")
        }
        let names = methods.map(\.name)
        guard Set(names).count == names.count else { throw LetheError(.usage, "methods: one is named twice") }
        for attack in attacks { _ = try RecoveryAttacks.named(attack, settings: attackSettings) }
    }

    /// Tells plans apart: unfinished work is only taken up by the plan that began it.
    func digest(base: String, threads: Int, embedder: String) throws -> String {
        var digest = ContentDigest()
        digest.add("lethe pch plan 1")
        digest.add(base)
        digest.add(data.contentBytes)
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) { digest.add("\(name)=\(value)") }
        for row in try rows { digest.add("\(row)") }
        digest.add("\(seeds) \(threads) \(embedder) \(retrains) \(evaluator) \(attackSettings)")
        for task in utility { digest.add("\(task.name) \(task.layout.rawValue) \(task.digest)") }
        return digest.hexadecimal
    }
}

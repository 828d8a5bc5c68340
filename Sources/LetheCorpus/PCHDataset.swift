import Foundation
import LetheCore

/// The texts to forget and the texts to keep.
public struct PCHDataset: Sendable, Equatable {
    /// The texts that are deleted one by one.
    public var forget: [PCHItem]
    /// The texts that have to stay.
    public var retain: [PCHItem]
    /// Whether the forget side's questions were derived from the texts because there was no file of them.
    public var forgetQuestionsAreDerived: Bool
    /// The same of the retain side.
    public var retainQuestionsAreDerived: Bool
    /// What a reader of the results should know about the data, such as a text that is on both sides. Free of content.
    public var notes: [String]

    /// Creates a dataset.
    public init(
        forget: [PCHItem], retain: [PCHItem], forgetQuestionsAreDerived: Bool = false,
        retainQuestionsAreDerived: Bool = false, notes: [String] = []
    ) {
        self.forget = forget
        self.retain = retain
        self.forgetQuestionsAreDerived = forgetQuestionsAreDerived
        self.retainQuestionsAreDerived = retainQuestionsAreDerived
        self.notes = notes
    }

    /// The first texts of both sides, for a shorter run, each category in its share.
    /// - Parameters:
    ///   - forget: how many forget texts to keep at most.
    ///   - retain: how many retain texts to keep at most.
    public func prefix(forget forgetCount: Int, retain retainCount: Int) -> PCHDataset {
        var shorter = self
        shorter.forget = Self.proportional(forget, count: forgetCount)
        shorter.retain = Self.proportional(retain, count: retainCount)
        return shorter
    }

    /// Bytes that are the same for the same data and different for other data, to be hashed as a cache key.
    public var contentBytes: Data {
        func value(_ item: PCHItem) -> JSONValue {
            [
                "text": .string(item.text), "pairs": .array(item.pairs.map(\.json)),
                "siblings": .array(item.siblings.map(JSONValue.string)),
            ]
        }
        let value: JSONValue = ["forget": .array(forget.map(value)), "retain": .array(retain.map(value))]
        return value.serialized()
    }

    /// Spreads `count` over the categories by their shares, the earlier category getting what rounding leaves.
    private static func proportional(_ items: [PCHItem], count: Int) -> [PCHItem] {
        guard count < items.count else { return items }
        var kept = 0
        var seen = 0
        var result: [PCHItem] = []
        let byCategory = Dictionary(grouping: items.indices) { items[$0].category }
        var chosen: Set<Int> = []
        for category in RequestCategory.allCases {
            let indices = byCategory[category] ?? []
            seen += indices.count
            // The running total is rounded, so that the parts add up.
            let target = (max(count, 0) * seen + items.count - 1) / items.count
            chosen.formUnion(indices.prefix(target - kept))
            kept = target
        }
        for index in items.indices where chosen.contains(index) { result.append(items[index]) }
        return result
    }
}

extension QuestionAnswer {
    /// The pair as the benchmark's files hold it; the optional parts under the names that TOFU gives them.
    var json: JSONValue {
        var object = JSONObject([("question", .string(question)), ("answer", .string(answer))])
        if let paraphrasedAnswer { object["paraphrased_answer"] = .string(paraphrasedAnswer) }
        if !wrongAnswers.isEmpty { object["perturbed_answer"] = .array(wrongAnswers.map(JSONValue.string)) }
        return .object(object)
    }
}

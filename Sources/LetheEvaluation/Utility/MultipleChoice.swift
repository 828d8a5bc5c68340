import LetheCore
import LetheModel
import LetheUnlearning

/// A question with several answers, one of them right.
struct MultipleChoice: Equatable {
    let question: String
    let choices: [String]
    /// Position of the right choice.
    let answer: Int

    /// MMLU's fields (Hendrycks et al. 2021).
    init(mmlu json: JSONValue, place: String) throws {
        guard let question = json["question"]?.stringValue, let list = json["choices"]?.arrayValue else {
            throw LetheError(.badData, "\(place): needs question, a string, and choices, a list")
        }
        let answer: Int?
        if let letter = json["answer"]?.stringValue {
            answer = ["A", "B", "C", "D", "E", "F", "G", "H"].firstIndex(of: letter)
        } else {
            answer = json["answer"]?.intValue
        }
        try self.init(question, list.map(\.stringValue), answer, place)
    }

    /// CommonsenseQA's fields (Talmor et al. 2019), in its own form and in that of the Hugging Face dataset.
    init(commonsenseQA json: JSONValue, place: String) throws {
        let inner = json["question"]?.objectValue == nil ? json : json["question"] ?? .null
        guard let question = inner["stem"]?.stringValue ?? inner["question"]?.stringValue,
            let key = json["answerKey"]?.stringValue, let choices = inner["choices"]
        else {
            throw LetheError(.badData, "\(place): needs question, choices and answerKey")
        }
        let labels: [String?]
        let texts: [String?]
        if let list = choices.arrayValue {
            labels = list.map { $0["label"]?.stringValue }
            texts = list.map { $0["text"]?.stringValue }
        } else {
            labels = (choices["label"]?.arrayValue ?? []).map(\.stringValue)
            texts = (choices["text"]?.arrayValue ?? []).map(\.stringValue)
        }
        guard labels.count == texts.count else {
            throw LetheError(.badData, "\(place): choices: as many labels as texts are needed")
        }
        try self.init(question, texts, labels.firstIndex { $0?.utf8.elementsEqual(key.utf8) ?? false }, place)
    }

    private init(_ question: String, _ choices: [String?], _ answer: Int?, _ place: String) throws {
        let texts = choices.compactMap(\.self)
        guard texts.count == choices.count, texts.count > 1, texts.allSatisfy({ !$0.isEmpty }), !question.isEmpty
        else { throw LetheError(.badData, "\(place): needs a question and at least two choices, strings") }
        guard let answer, texts.indices.contains(answer) else {
            throw LetheError(.badData, "\(place): the answer names none of the choices")
        }
        self.question = question
        self.choices = texts
        self.answer = answer
    }

    /// What the model would answer: the choice with the highest log-likelihood per UTF-8 byte after `Question: ...`,
    /// the first of equals (as lm-evaluation-harness's `acc_norm`; the choices are not shown in the prompt).
    /// - Throws: `limit_exceeded` for a question that does not fit the model.
    func chosen(by model: LanguageModel) throws -> Int {
        let prompt = try model.encode("Question: \(question)\nAnswer:")
        let sequences = try choices.map {
            TrainingSequence(ids: prompt + (try model.encode(" " + $0)), firstTarget: prompt.count)
        }
        let likelihoods = zip(choices, try model.nll(of: sequences)).map { choice, nll in
            -nll.reduce(0) { $0 + Double($1) } / Double(choice.utf8.count + 1)
        }
        return likelihoods.indices.max { (likelihoods[$0], $1) < (likelihoods[$1], $0) } ?? 0
    }
}

import Foundation
import LetheCore
import LetheModel
import LetheTokenizers

/// A word problem whose answer is a number (GSM8K, Cobbe et al. 2021).
struct NumberQuestion: Equatable {
    /// Tokens of an answer at most.
    static let maximumNewTokens = 256

    let question: String
    /// The number after `####`, normalised.
    let number: String

    init(_ json: JSONValue, place: String) throws {
        guard let question = json["question"]?.stringValue, !question.isEmpty,
            let answer = json["answer"]?.stringValue
        else { throw LetheError(.badData, "\(place): needs question and answer, strings") }
        guard let number = Self.marked(answer) else {
            throw LetheError(.badData, "\(place): answer: no number after ####")
        }
        self.question = question
        self.number = number
    }

    /// The share of questions whose greedy answer holds the right number: the one after `####`, or without that mark
    /// the last one.
    static func exactMatch(
        _ items: [NumberQuestion], _ model: LanguageModel, progress: (Double) throws -> Void
    ) throws -> Double {
        var generator = TextGenerator(maximumNewTokens: maximumNewTokens)
        generator.batchSize = 16
        var right = 0
        for start in stride(from: 0, to: items.count, by: generator.batchSize) {
            let group = items[start..<min(start + generator.batchSize, items.count)]
            let prompts = try group.map { try model.encode("Question: \($0.question)\nAnswer:") }
            let room = model.configuration.maximumPositions - (prompts.map(\.count).max() ?? 0)
            guard room > 0 else { throw LetheError(.limitExceeded, "a question leaves no room for its answer") }
            generator.maximumNewTokens = min(maximumNewTokens, room)
            for (item, ids) in zip(group, try generator.generate(model, prompts: prompts)) {
                let text = model.tokenizer.decode(ids, skipSpecialTokens: true)
                if answer(in: text) == item.number { right += 1 }
            }
            try progress(Double(start + group.count) / Double(items.count))
        }
        return Double(right) / Double(items.count)
    }

    /// The number that a written answer comes to. A model that goes on with another question is cut off there.
    static func answer(in text: String) -> String? {
        let own = text.range(of: "\nQuestion:").map { String(text[..<$0.lowerBound]) } ?? text
        return marked(own) ?? numbers(own).last
    }

    private static func marked(_ text: String) -> String? {
        text.range(of: "####").flatMap { numbers(String(text[$0.upperBound...])).first }
    }

    /// The numbers of a text, without thousands separators, needless zeros and empty fractions. A minus counts as a sign
    /// where no digit stands before it.
    private static func numbers(_ text: String) -> [String] {
        var found: [String] = []
        var current = ""
        var isNegative = false
        var previous: Character = " "
        func finish() {
            let digits = current.filter { $0 != "," }
            let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
            current = ""
            guard let first = parts.first, !first.isEmpty else { return }
            let whole = String(first.drop { $0 == "0" })
            var fraction = parts.count > 1 ? parts[1] : ""
            while fraction.last == "0" { fraction.removeLast() }
            let value = (whole.isEmpty ? "0" : whole) + (fraction.isEmpty ? "" : "." + fraction)
            found.append(isNegative && value != "0" ? "-" + value : value)
        }
        for character in text {
            if "0"..."9" ~= character {
                if current.isEmpty { isNegative = previous == "-" }
                current.append(character)
            } else if !current.isEmpty, character == "," || (character == "." && !current.contains(".")) {
                current.append(character)
            } else {
                finish()
            }
            // Between two digits a minus is a dash.
            if character != "-" || !previous.isNumber { previous = character }
        }
        finish()
        return found
    }
}

import Foundation
import LetheCore
import LetheModel

/// A task that has nothing to do with the benchmark's texts, from a local file: what a model could do before the
/// deletions it should still do after them.
public struct UtilityTask {
    /// The form of the file.
    public enum Layout: String, Sendable, CaseIterable {
        /// JSON Lines `{"question", "choices": [...], "answer": 0}`.
        case mmlu
        /// JSON Lines `{"question", "choices": {"label": [...], "text": [...]}, "answerKey": "A"}`, or with the
        /// question's `stem` and its choices as a list of `{"label", "text"}` inside `question`.
        case commonsenseQA = "commonsense_qa"
        /// JSON Lines `{"question", "answer": "... #### 42"}`.
        case gsm8k
        /// JSON Lines `{"text"}`, or, for a file that is not JSON Lines, one text.
        case text
    }

    /// What the items are.
    enum Content {
        case choices([MultipleChoice])
        case numbers([NumberQuestion])
        case texts([String])
    }

    /// The file's name without its extension.
    public let name: String
    /// The form of the file.
    public let layout: Layout
    let content: Content
    let digest: String

    /// Reads a task.
    /// - Parameter layout: nil: told from the fields of the first line.
    /// - Throws: `missing_input`, `limit_exceeded`, `bad_data` naming the line and the field; content is never quoted.
    public init(_ file: URL, layout: Layout? = nil) throws {
        let data = try Self.read(file)
        let name = file.deletingPathExtension().lastPathComponent
        try self.init(data, name: name, layout: layout)
    }

    /// Reads a task from a file's bytes.
    /// - Throws: as ``init(_:layout:)``.
    public init(_ data: Data, name: String, layout: Layout? = nil) throws {
        self.name = name
        var digest = ContentDigest()
        digest.add(data)
        self.digest = digest.hexadecimal
        if data.first(where: { ![9, 10, 13, 32].contains($0) }) != UInt8(ascii: "{") {
            guard layout == nil || layout == .text else { throw LetheError(.badData, "\(name): is no JSON Lines file") }
            guard let text = String(validating: data, as: UTF8.self), text.contains(where: { !$0.isWhitespace }) else {
                throw LetheError(.badData, "\(name): is blank or not UTF-8")
            }
            self.layout = .text
            content = .texts([text])
            return
        }
        let lines = try Self.lines(data, name: name)
        let layout = try layout ?? Self.layout(of: lines[0].json, name: name)
        self.layout = layout
        func place(_ number: Int) -> String { "\(name): line \(number)" }
        switch layout {
        case .mmlu: content = .choices(try lines.map { try MultipleChoice(mmlu: $0.json, place: place($0.number)) })
        case .commonsenseQA:
            content = .choices(try lines.map { try MultipleChoice(commonsenseQA: $0.json, place: place($0.number)) })
        case .gsm8k: content = .numbers(try lines.map { try NumberQuestion($0.json, place: place($0.number)) })
        case .text:
            content = .texts(
                try lines.map { line in
                    guard let text = line.json["text"]?.stringValue, !text.isEmpty else {
                        throw LetheError(.badData, "\(place(line.number)): needs a field text, a string")
                    }
                    return text
                })
        }
    }

    /// How many items it has.
    public var itemCount: Int {
        switch content {
        case .choices(let items): items.count
        case .numbers(let items): items.count
        case .texts(let items): items.count
        }
    }

    /// What ``score(_:progress:)`` is: `accuracy`, `exact_match` or `perplexity`.
    public var measure: String {
        switch content {
        case .choices: "accuracy"
        case .numbers: "exact_match"
        case .texts: "perplexity"
        }
    }

    /// Measures a model.
    /// - Parameter progress: called with the share that is done; throwing from it ends the measurement.
    /// - Throws: `limit_exceeded` for an item that does not fit the model, what `progress` throws.
    public func score(_ model: LanguageModel, progress: (Double) throws -> Void = { _ in }) throws -> Double {
        switch content {
        case .choices(let items):
            var right = 0
            for (index, item) in items.enumerated() {
                if try item.chosen(by: model) == item.answer { right += 1 }
                try progress(Double(index + 1) / Double(items.count))
            }
            return Double(right) / Double(items.count)
        case .numbers(let items): return try NumberQuestion.exactMatch(items, model, progress: progress)
        case .texts(let texts): return try TextPerplexity.measure(texts, model, progress: progress)
        }
    }

    /// The number that a written answer comes to, as the GSM8K layout reads it: the one after `####`, or the last;
    /// without thousands separators and needless zeros. Nil for an answer without one.
    public static func number(in answer: String) -> String? { NumberQuestion.answer(in: answer) }

    func result(method: String, score: Double, original: Double) -> UtilityResult {
        UtilityResult(
            task: name, layout: layout.rawValue, measure: measure, items: itemCount, method: method, score: score,
            original: original)
    }

    // MARK: Reading

    private static let maximumBytes = 256 << 20

    private static func read(_ file: URL) throws -> Data {
        guard let size = try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? NSNumber else {
            throw LetheError(.missingInput, "the utility file is not there")
        }
        guard size.int64Value <= Int64(maximumBytes) else {
            throw LetheError(.limitExceeded, "the utility file is larger than \(maximumBytes) bytes")
        }
        do {
            return try Data(contentsOf: file)
        } catch {
            throw LetheError(.ioError, "the utility file cannot be read")
        }
    }

    private static func lines(_ data: Data, name: String) throws -> [(number: Int, json: JSONValue)] {
        var lines: [(Int, JSONValue)] = []
        for (index, line) in data.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ [9, 13, 32].contains($0) }) { continue }
            lines.append((index + 1, try JSONParser.parse(Data(line), context: "\(name): line \(index + 1)")))
        }
        return lines
    }

    private static func layout(of line: JSONValue, name: String) throws -> Layout {
        if line["answerKey"] != nil { return .commonsenseQA }
        if line["choices"] != nil { return .mmlu }
        if line["question"] != nil, line["answer"] != nil { return .gsm8k }
        if line["text"] != nil { return .text }
        throw LetheError(
            .badData, "\(name): line 1: its fields are those of no known layout; name it with --utility-layout")
    }
}

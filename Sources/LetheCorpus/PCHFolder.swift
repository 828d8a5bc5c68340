import Foundation
import LetheCore

/// Reads and writes a PCH folder.
///
/// | file | holds |
/// | --- | --- |
/// | `forget.json`, `retain.json` | a list of texts |
/// | `forget_qa.json`, `retain_qa.json` (optional) | a list of `{"question", "answer"}` |
/// | `forget_siblings.json` (optional) | for each forget text a list of counterfactual siblings |
///
/// A list of questions has one entry for each text in the same order, or names the text of each entry in
/// `"text_index"` (from 0); then a text can have several. `"paraphrased_answer"` and `"perturbed_answer"` (a list) are
/// read for the truth ratio; other members are ignored. Where there is no such file, ``QuestionDeriver`` makes the
/// questions.
public enum PCHFolder {
    /// The largest file that is read.
    static let maximumFileBytes = 256 << 20
    /// The longest text, question or answer, in UTF-8 bytes.
    static let maximumTextBytes = 1 << 20
    /// The most texts of one side.
    static let maximumTexts = 1_000_000

    private static let limits = JSONParser.Limits(
        maximumBytes: maximumFileBytes, maximumDepth: 8, maximumElements: 64_000_000)

    /// Reads a folder.
    /// - Parameter folder: the folder's URL.
    /// - Throws: `missing_input` when `forget.json` or `retain.json` is not there, `bad_data` or `limit_exceeded`
    /// naming
    ///   the file, the index and the field, `io_error` when a file cannot be read. Content is never quoted.
    public static func read(_ folder: URL) throws -> PCHDataset {
        var forget = try readItems(folder, side: "forget")
        let retain = try readItems(folder, side: "retain")
        try addSiblings(folder, to: &forget.items)
        var dataset = PCHDataset(
            forget: forget.items, retain: retain.items, forgetQuestionsAreDerived: forget.derived,
            retainQuestionsAreDerived: retain.derived)
        dataset.notes = duplicateNotes(dataset)
        return dataset
    }

    /// Writes a folder that ``read(_:)`` reads back equal, replacing the files of these names.
    ///
    /// Each file is written whole or not at all; a crash midway leaves some files new and some old.
    /// - Throws: `io_error` when the folder cannot be made or a file cannot be written.
    public static func write(_ dataset: PCHDataset, to folder: URL) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw LetheError(.ioError, "the data folder cannot be created")
        }
        for (side, items, derived) in [
            ("forget", dataset.forget, dataset.forgetQuestionsAreDerived),
            ("retain", dataset.retain, dataset.retainQuestionsAreDerived),
        ] {
            try write(.array(items.map { .string($0.text) }), to: folder, name: "\(side).json")
            if derived {
                try remove(folder, name: "\(side)_qa.json")
            } else {
                try write(.array(questionEntries(items)), to: folder, name: "\(side)_qa.json")
            }
        }
        if dataset.forget.contains(where: { !$0.siblings.isEmpty }) {
            let lists = dataset.forget.map { JSONValue.array($0.siblings.map(JSONValue.string)) }
            try write(.array(lists), to: folder, name: "forget_siblings.json")
        } else {
            try remove(folder, name: "forget_siblings.json")
        }
    }

    // MARK: Reading

    private static func readItems(_ folder: URL, side: String) throws -> (items: [PCHItem], derived: Bool) {
        let name = "\(side).json"
        guard let json = try readJSON(folder, name: name) else {
            throw LetheError(.missingInput, "\(name): is missing from the data folder")
        }
        let texts = try list(json, name: name).enumerated().map { index, value in
            try string(value, place: "\(name): index \(index)")
        }
        let questionsName = "\(side)_qa.json"
        let questions = try readJSON(folder, name: questionsName).map {
            try readQuestions($0, name: questionsName, textCount: texts.count, textsName: name)
        }
        let items = texts.enumerated().map { index, text in
            PCHItem(
                text: text, category: RequestCategory(formOf: text),
                pairs: questions?[index] ?? QuestionDeriver.pairs(for: text))
        }
        return (items, questions == nil)
    }

    private static func readQuestions(
        _ json: JSONValue, name: String, textCount: Int, textsName: String
    ) throws -> [[QuestionAnswer]] {
        let entries = try list(json, name: name)
        let indexed = entries.contains { $0["text_index"] != nil }
        guard indexed || entries.count == textCount else {
            throw LetheError(
                .badData,
                "\(name): \(entries.count) entries for the \(textCount) texts of \(textsName); there has to be one for "
                    + "each text, or each entry has to name its text in \"text_index\"")
        }
        var pairs = [[QuestionAnswer]](repeating: [], count: textCount)
        for (index, entry) in entries.enumerated() {
            let place = "\(name): index \(index)"
            guard entry.objectValue != nil else { throw LetheError(.badData, "\(place): must be an object") }
            var target = index
            if indexed {
                guard let named = entry["text_index"]?.intValue, pairs.indices.contains(named) else {
                    throw LetheError(
                        .badData, "\(place): \"text_index\" must be a whole number from 0 to \(textCount - 1)")
                }
                target = named
            }
            pairs[target].append(try pair(entry, place: place))
        }
        if let missing = pairs.firstIndex(where: \.isEmpty) {
            throw LetheError(.badData, "\(name): no entry names the text with index \(missing) of \(textsName)")
        }
        return pairs
    }

    private static func pair(_ entry: JSONValue, place: String) throws -> QuestionAnswer {
        func required(_ field: String) throws -> String {
            guard let value = entry[field] else { throw LetheError(.badData, "\(place): \"\(field)\" is missing") }
            return try string(value, place: "\(place): \"\(field)\"")
        }
        var pair = QuestionAnswer(question: try required("question"), answer: try required("answer"))
        if let value = entry["paraphrased_answer"], !value.isNull {
            pair.paraphrasedAnswer = try string(value, place: "\(place): \"paraphrased_answer\"")
        }
        if let value = entry["perturbed_answer"], !value.isNull {
            guard let answers = value.arrayValue else {
                throw LetheError(.badData, "\(place): \"perturbed_answer\" must be a list of strings")
            }
            pair.wrongAnswers = try answers.enumerated().map {
                try string($1, place: "\(place): \"perturbed_answer\", entry \($0)")
            }
        }
        return pair
    }

    private static func addSiblings(_ folder: URL, to items: inout [PCHItem]) throws {
        let name = "forget_siblings.json"
        guard let json = try readJSON(folder, name: name) else { return }
        let lists = try list(json, name: name)
        guard lists.count == items.count else {
            throw LetheError(
                .badData, "\(name): \(lists.count) lists for the \(items.count) texts of forget.json")
        }
        for (index, value) in lists.enumerated() {
            guard let siblings = value.arrayValue else {
                throw LetheError(.badData, "\(name): index \(index): must be a list of strings")
            }
            items[index].siblings = try siblings.enumerated().map {
                try string($1, place: "\(name): index \(index), entry \($0)")
            }
        }
    }

    /// The parsed file; nil when it does not exist.
    private static func readJSON(_ folder: URL, name: String) throws -> JSONValue? {
        let url = folder.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let data: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: url.path)[.size] as? NSNumber
            guard (size?.int64Value ?? 0) <= Int64(maximumFileBytes) else {
                throw LetheError(.limitExceeded, "\(name): is larger than \(maximumFileBytes) bytes")
            }
            data = try Data(contentsOf: url)
        } catch let error as LetheError {
            throw error
        } catch {
            throw LetheError(.ioError, "\(name): cannot be read")
        }
        return try JSONParser.parse(data, limits: limits, context: name)
    }

    private static func list(_ json: JSONValue, name: String) throws -> [JSONValue] {
        guard let list = json.arrayValue else { throw LetheError(.badData, "\(name): must be a list") }
        guard !list.isEmpty else { throw LetheError(.badData, "\(name): is an empty list") }
        guard list.count <= maximumTexts else {
            throw LetheError(.limitExceeded, "\(name): \(list.count) entries; the limit is \(maximumTexts)")
        }
        return list
    }

    private static func string(_ value: JSONValue, place: String) throws -> String {
        guard let text = value.stringValue else { throw LetheError(.badData, "\(place): must be a string") }
        guard text.utf8.count <= maximumTextBytes else {
            throw LetheError(
                .limitExceeded, "\(place): \(text.utf8.count) bytes; the limit is \(maximumTextBytes)")
        }
        guard text.contains(where: { !$0.isWhitespace }) else { throw LetheError(.badData, "\(place): is blank") }
        return text
    }

    /// One note for each text that stands twice.
    private static func duplicateNotes(_ dataset: PCHDataset) -> [String] {
        var places: [[UInt8]: String] = [:]
        var notes: [String] = []
        for (side, items) in [("retain", dataset.retain), ("forget", dataset.forget)] {
            for (index, item) in items.enumerated() {
                let place = "\(side).json: index \(index)"
                if let earlier = places[Array(item.text.utf8)] {
                    notes.append("\(place) has the same text as \(earlier)")
                } else {
                    places[Array(item.text.utf8)] = place
                }
            }
        }
        return notes
    }

    // MARK: Writing

    private static func questionEntries(_ items: [PCHItem]) -> [JSONValue] {
        let indexed = items.contains { $0.pairs.count != 1 }
        return items.enumerated().flatMap { index, item in
            item.pairs.map { pair in
                guard indexed, var object = pair.json.objectValue else { return pair.json }
                object["text_index"] = .integer(Int64(index))
                return .object(object)
            }
        }
    }

    private static func write(_ json: JSONValue, to folder: URL, name: String) throws {
        var data = json.serialized(pretty: true)
        data.append(UInt8(ascii: "\n"))
        do {
            try data.write(to: folder.appendingPathComponent(name), options: .atomic)
        } catch {
            throw LetheError(.ioError, "\(name): cannot be written")
        }
    }

    private static func remove(_ folder: URL, name: String) throws {
        let url = folder.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: url.path) else { return }
        do {
            try FileManager.default.removeItem(at: url)
        } catch {
            throw LetheError(.ioError, "\(name): cannot be removed")
        }
    }
}

import Foundation
import LetheCore

/// Reads JSON Lines from a file or standard input.
enum JSONLines {
    /// Longest line, in bytes.
    static let lineLimit = 1 << 20

    /// Calls `body` with each non-empty line's object, and its number from 1.
    /// - Throws: `missing_input` when the file cannot be read, `bad_data` naming the line, what `body` throws.
    static func forEach(in path: String?, _ body: (Int, JSONValue) throws -> Void) throws {
        let handle: FileHandle
        if let path, path != "-" {
            guard let opened = FileHandle(forReadingAtPath: path) else {
                throw LetheError(.missingInput, "the input file cannot be read")
            }
            handle = opened
        } else {
            handle = .standardInput
        }
        var number = 0
        var pending = Data()
        func line(_ bytes: Data) throws {
            number += 1
            if bytes.allSatisfy({ [9, 13, 32].contains($0) }) { return }
            try body(number, JSONParser.parse(bytes, context: "line \(number)"))
        }
        func readPiece() throws -> Data? {
            do {
                return try handle.read(upToCount: 1 << 16)
            } catch {
                throw LetheError(.missingInput, "the input cannot be read")
            }
        }
        while let piece = try readPiece(), !piece.isEmpty {
            pending.append(piece)
            while let end = pending.firstIndex(of: 10) {
                try line(Data(pending[pending.startIndex..<end]))
                pending.removeSubrange(pending.startIndex...end)
            }
            guard pending.count <= lineLimit else {
                throw LetheError(.limitExceeded, "line \(number + 1) is over \(lineLimit) bytes")
            }
        }
        if !pending.isEmpty { try line(pending) }
    }

    /// The texts of lines `{"text":...}`.
    static func forEachText(in path: String?, _ body: (String) throws -> Void) throws {
        try forEach(in: path) { number, json in
            guard let text = json["text"]?.stringValue else {
                throw LetheError(.badData, "line \(number): needs a field text, a string")
            }
            try body(text)
        }
    }

    /// Items: `{"text"}`, `{"prompt","completion"}`, or TOFU's `{"question","answer"}`.
    static func items(in path: String) throws -> [ForgetItem] {
        var items: [ForgetItem] = []
        try forEach(in: path) { items.append(try item($1, line: $0)) }
        guard !items.isEmpty else { throw LetheError(.badData, "the input has no items") }
        return items
    }

    /// One item, in any of the forms that ``items(in:)`` reads.
    /// - Throws: `bad_data` naming the line.
    static func item(_ json: JSONValue, line number: Int) throws -> ForgetItem {
        guard let question = json["question"]?.stringValue, let answer = json["answer"]?.stringValue else {
            return try ForgetItem(json: json, pointer: "line \(number)")
        }
        guard !question.isEmpty, !answer.isEmpty else {
            throw LetheError(.badData, "line \(number): question or answer is empty")
        }
        return .pair(prompt: question, completion: answer)
    }
}

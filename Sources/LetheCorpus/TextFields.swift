/// A text made of `Key: value` fields, as the texts of the PCH benchmark are, taken apart so that it can be put
/// together again with other values.
///
/// A key is one to four words of ASCII letters that begin with a capital, 32 bytes at most, at the start of a line,
/// followed by a colon and a space or the end of the line. Where fields are separated by blank lines, only a line after
/// a blank line can start one, so that a value may have several lines.
public struct TextFields: Sendable, Equatable {
    /// One field.
    public struct Field: Sendable, Equatable {
        /// The key, without its colon.
        public let key: String
        /// What stands between key and value: a colon and a space or line feed.
        let delimiter: String
        /// The value, with the white space at its end.
        public var value: String

        /// The key in lower case as words: `AdditionalContext` gives `additional context`.
        public var spokenKey: String {
            var words = ""
            for character in key {
                if character.isUppercase, let last = words.last, last != " " { words.append(" ") }
                words.append(contentsOf: character.lowercased())
            }
            return words
        }
    }

    /// The fields in the order of the text, at least two.
    public var fields: [Field]
    /// What stands between fields.
    let separator: String

    /// Takes a text apart.
    /// - Returns: nil unless the text begins with a field and has at least two.
    public init?(_ text: String) {
        let text = Array(text.utf8)
        for separator in [[UInt8]("\n\n".utf8), [UInt8]("\n".utf8)] {
            if let fields = Self.parse(text, separator: separator), fields.count >= 2 {
                self.fields = fields
                self.separator = String(decoding: separator, as: UTF8.self)
                return
            }
        }
        return nil
    }

    /// The text with its present values; byte for byte the original when no value was changed.
    public var text: String {
        fields.map { $0.key + $0.delimiter + $0.value }.joined(separator: separator)
    }

    /// The value of the first field whose key has these letters, in any case; nil when there is none or it is blank.
    public func value(_ key: String) -> String? {
        fields.first { $0.key.lowercased() == key.lowercased() }.map(\.value.trimmed).flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func parse(_ text: [UInt8], separator: [UInt8]) -> [Field]? {
        var starts: [(start: Int, keyEnd: Int, valueStart: Int)] = []
        var position = 0
        while position < text.count {
            let afterSeparator =
                position == 0
                || (position >= separator.count
                    && text[position - separator.count..<position].elementsEqual(separator))
            if afterSeparator, let (keyEnd, valueStart) = key(text, at: position) {
                starts.append((position, keyEnd, valueStart))
            } else if position == 0 {
                return nil
            }
            guard let lineEnd = text[position...].firstIndex(of: UInt8(ascii: "\n")) else { break }
            position = lineEnd + 1
        }
        return starts.indices.map { index in
            let (start, keyEnd, valueStart) = starts[index]
            let end = index + 1 < starts.count ? starts[index + 1].start - separator.count : text.count
            func string(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
            return Field(
                key: string(start..<keyEnd), delimiter: string(keyEnd..<valueStart),
                value: string(valueStart..<max(valueStart, end)))
        }
    }

    /// Where the key at a position ends and where its value starts; nil when there is no key.
    private static func key(_ text: [UInt8], at start: Int) -> (keyEnd: Int, valueStart: Int)? {
        guard UInt8(ascii: "A")...UInt8(ascii: "Z") ~= text[start] else { return nil }
        var end = start
        var spaces = 0
        while end < text.count, end - start <= 32 {
            let byte = text[end]
            if byte == UInt8(ascii: ":") { break }
            if byte == UInt8(ascii: " ") {
                spaces += 1
            } else if !(UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte)
            {
                return nil
            }
            end += 1
        }
        guard end + 1 < text.count, end - start <= 32, text[end] == UInt8(ascii: ":"), spaces < 4,
            text[end - 1] != UInt8(ascii: " "),
            text[end + 1] == UInt8(ascii: " ") || text[end + 1] == UInt8(ascii: "\n")
        else { return nil }
        // "Key:" and a blank line is an empty value, not a value that begins with one.
        let isEmpty = text[end + 1] == UInt8(ascii: "\n") && end + 2 < text.count && text[end + 2] == UInt8(ascii: "\n")
        return (end, isEmpty ? end + 1 : end + 2)
    }
}

extension String {
    /// The string without white space at its ends.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}

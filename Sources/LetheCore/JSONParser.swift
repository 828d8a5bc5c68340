import Foundation

/// A strict RFC 8259 parser for input that nobody has vouched for.
///
/// Stricter than Foundation's: no trailing commas, no duplicate keys, no comments, no byte order mark, no `NaN`, no
/// number beyond the range of a double, only valid UTF-8, no lone surrogate escapes, bounded size, depth and number
/// of values, and the whole input has to be one value.
public struct JSONParser {
    /// What is refused before it costs memory.
    public struct Limits: Sendable, Equatable {
        /// Bytes of the input.
        public var maximumBytes: Int
        /// Arrays and objects inside one another; values above 256 count as 256.
        public var maximumDepth: Int
        /// Values of all kinds together.
        public var maximumElements: Int

        /// Creates limits.
        public init(maximumBytes: Int = 32 << 20, maximumDepth: Int = 32, maximumElements: Int = 4_000_000) {
            self.maximumBytes = maximumBytes
            self.maximumDepth = maximumDepth
            self.maximumElements = maximumElements
        }

        /// 32 MiB, depth 32, four million values.
        public static let `default` = Limits()

        /// For tokenizer.json and config.json: 32 MiB, depth 64, eight million values.
        public static let modelFile = Limits(maximumDepth: 64, maximumElements: 8_000_000)
    }

    /// Parses one JSON value.
    ///
    /// - Parameters:
    ///   - data: The whole input.
    ///   - limits: What is refused.
    ///   - context: What the input is, for messages, such as "config.json".
    /// - Throws: ``LetheError`` with `badData`, or with `limitExceeded` when a limit is broken. The message names the
    ///   context and the byte offset and never quotes the input.
    public static func parse(_ data: Data, limits: Limits = .default, context: String) throws -> JSONValue {
        try data.withUnsafeBytes { try parse($0, limits: limits, context: context) }
    }

    /// Parses one JSON value from memory that has to stay valid during the call only.
    ///
    /// - Throws: As ``parse(_:limits:context:)-(Data,_,_)``.
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: Limits = .default, context: String
    ) throws -> JSONValue {
        guard bytes.count <= limits.maximumBytes else {
            throw LetheError(
                .limitExceeded, "\(context): \(bytes.count) bytes of JSON are more than \(limits.maximumBytes)")
        }
        return try bytes.withMemoryRebound(to: UInt8.self) { buffer in
            var scanner = JSONScanner(buffer, limits: limits, context: context)
            return try scanner.parseDocument()
        }
    }
}

/// The recursive-descent scanner behind ``JSONParser``. Every read is preceded by a comparison with the end.
private struct JSONScanner {
    private static let maximumNumberBytes = 1024

    private let bytes: UnsafeBufferPointer<UInt8>
    private let end: Int
    private let context: String
    private let maximumDepth: Int
    private let maximumElements: Int
    private var position = 0
    private var elements = 0
    private var scratch: [UInt8] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONParser.Limits, context: String) {
        self.bytes = bytes
        self.end = bytes.count
        self.context = context
        self.maximumDepth = min(limits.maximumDepth, 256)
        self.maximumElements = limits.maximumElements
    }

    mutating func parseDocument() throws -> JSONValue {
        if end >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw failure("a byte order mark is not allowed")
        }
        skipWhitespace()
        let value = try parseValue(depth: 0)
        skipWhitespace()
        guard position == end else { throw failure("something follows the JSON value") }
        return value
    }

    private func failure(_ what: String, at offset: Int? = nil) -> LetheError {
        LetheError(.badData, "\(context): byte \(offset ?? position): \(what)")
    }

    private mutating func skipWhitespace() {
        while position < end {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    private mutating func parseValue(depth: Int) throws -> JSONValue {
        guard position < end else { throw failure("a value is missing at the end of the input") }
        elements += 1
        guard elements <= maximumElements else {
            throw LetheError(.limitExceeded, "\(context): byte \(position): more than \(maximumElements) values")
        }
        switch bytes[position] {
        case UInt8(ascii: "\""):
            return .string(try parseString())
        case UInt8(ascii: "{"):
            return try parseObject(depth: depth + 1)
        case UInt8(ascii: "["):
            return try parseArray(depth: depth + 1)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try parseNumber()
        case UInt8(ascii: "t"):
            try expectLiteral("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expectLiteral("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expectLiteral("null")
            return .null
        default:
            throw failure("no JSON value starts with this byte")
        }
    }

    private mutating func expectLiteral(_ literal: StaticString) throws {
        let start = position
        let count = literal.utf8CodeUnitCount
        guard end - position >= count else { throw failure("a literal is cut off") }
        for index in 0..<count where bytes[start + index] != literal.utf8Start[index] {
            throw failure("no JSON literal", at: start)
        }
        position += count
    }

    private func checkDepth(_ depth: Int) throws {
        guard depth <= maximumDepth else {
            throw LetheError(.limitExceeded, "\(context): byte \(position): nested deeper than \(maximumDepth)")
        }
    }

    private mutating func parseArray(depth: Int) throws -> JSONValue {
        try checkDepth(depth)
        position += 1
        var values: [JSONValue] = []
        skipWhitespace()
        if position < end, bytes[position] == UInt8(ascii: "]") {
            position += 1
            return .array(values)
        }
        while true {
            values.append(try parseValue(depth: depth))
            skipWhitespace()
            guard position < end else { throw failure("an array is not closed") }
            if bytes[position] == UInt8(ascii: "]") {
                position += 1
                return .array(values)
            }
            guard bytes[position] == UInt8(ascii: ",") else { throw failure("expected ',' or ']'") }
            position += 1
            skipWhitespace()
        }
    }

    private mutating func parseObject(depth: Int) throws -> JSONValue {
        try checkDepth(depth)
        position += 1
        var object = JSONObject()
        skipWhitespace()
        if position < end, bytes[position] == UInt8(ascii: "}") {
            position += 1
            return .object(object)
        }
        while true {
            guard position < end, bytes[position] == UInt8(ascii: "\"") else { throw failure("expected a key") }
            let keyOffset = position
            let key = try parseString()
            skipWhitespace()
            guard position < end, bytes[position] == UInt8(ascii: ":") else { throw failure("expected ':'") }
            position += 1
            skipWhitespace()
            let value = try parseValue(depth: depth)
            guard object.appendIfAbsent(key, value) else { throw failure("a key occurs twice", at: keyOffset) }
            skipWhitespace()
            guard position < end else { throw failure("an object is not closed") }
            if bytes[position] == UInt8(ascii: "}") {
                position += 1
                return .object(object)
            }
            guard bytes[position] == UInt8(ascii: ",") else { throw failure("expected ',' or '}'") }
            position += 1
            skipWhitespace()
        }
    }

    // MARK: Strings

    private mutating func parseString() throws -> String {
        let start = position + 1
        var cursor = start
        while cursor < end {
            let byte = bytes[cursor]
            if byte == UInt8(ascii: "\"") {
                position = cursor + 1
                return try makeString(UnsafeBufferPointer(rebasing: bytes[start..<cursor]), offset: start)
            }
            if byte == UInt8(ascii: "\\") {
                return try parseEscapedString(start: start, firstEscape: cursor)
            }
            guard byte >= 0x20 else { throw failure("a control character in a string is not escaped", at: cursor) }
            cursor += 1
        }
        throw failure("a string is not closed")
    }

    private mutating func parseEscapedString(start: Int, firstEscape: Int) throws -> String {
        scratch.removeAll(keepingCapacity: true)
        var runStart = start
        var cursor = firstEscape
        while cursor < end {
            let byte = bytes[cursor]
            if byte == UInt8(ascii: "\"") {
                scratch.append(contentsOf: bytes[runStart..<cursor])
                position = cursor + 1
                return try scratch.withUnsafeBufferPointer { try makeString($0, offset: start) }
            }
            if byte == UInt8(ascii: "\\") {
                scratch.append(contentsOf: bytes[runStart..<cursor])
                cursor = try parseEscape(at: cursor)
                runStart = cursor
                continue
            }
            guard byte >= 0x20 else { throw failure("a control character in a string is not escaped", at: cursor) }
            cursor += 1
        }
        throw failure("a string is not closed")
    }

    /// Appends the character that the escape at `offset` stands for; returns the offset after the escape.
    private mutating func parseEscape(at offset: Int) throws -> Int {
        guard offset + 1 < end else { throw failure("an escape is cut off", at: offset) }
        switch bytes[offset + 1] {
        case UInt8(ascii: "\""): scratch.append(0x22)
        case UInt8(ascii: "\\"): scratch.append(0x5C)
        case UInt8(ascii: "/"): scratch.append(0x2F)
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "f"): scratch.append(0x0C)
        case UInt8(ascii: "n"): scratch.append(0x0A)
        case UInt8(ascii: "r"): scratch.append(0x0D)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try parseHex(at: offset + 2)
            guard unit & 0xF800 == 0xD800 else {
                appendScalar(unit)
                return offset + 6
            }
            guard unit < 0xDC00, offset + 7 < end, bytes[offset + 6] == UInt8(ascii: "\\"),
                bytes[offset + 7] == UInt8(ascii: "u")
            else { throw failure("a surrogate escape stands alone", at: offset) }
            let low = try parseHex(at: offset + 8)
            guard low & 0xFC00 == 0xDC00 else { throw failure("a surrogate escape stands alone", at: offset) }
            appendScalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
            return offset + 12
        default:
            throw failure("an unknown escape", at: offset)
        }
        return offset + 2
    }

    private func parseHex(at offset: Int) throws -> UInt32 {
        guard end - offset >= 4 else { throw failure("an escape is cut off", at: offset) }
        var value: UInt32 = 0
        for index in offset..<offset + 4 {
            let digit: UInt8
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[index] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[index] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[index] - UInt8(ascii: "A") + 10
            default: throw failure("an escape needs four hexadecimal digits", at: index)
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private mutating func appendScalar(_ scalar: UInt32) {
        if scalar < 0x80 {
            scratch.append(UInt8(scalar))
        } else if scalar < 0x800 {
            scratch.append(UInt8(0xC0 | scalar >> 6))
            scratch.append(UInt8(0x80 | scalar & 0x3F))
        } else if scalar < 0x10000 {
            scratch.append(UInt8(0xE0 | scalar >> 12))
            scratch.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            scratch.append(UInt8(0x80 | scalar & 0x3F))
        } else {
            scratch.append(UInt8(0xF0 | scalar >> 18))
            scratch.append(UInt8(0x80 | scalar >> 12 & 0x3F))
            scratch.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            scratch.append(UInt8(0x80 | scalar & 0x3F))
        }
    }

    private func makeString(_ content: UnsafeBufferPointer<UInt8>, offset: Int) throws -> String {
        guard let string = String(validating: content, as: UTF8.self) else {
            throw failure("a string is not valid UTF-8", at: offset)
        }
        return string
    }

    // MARK: Numbers

    private mutating func parseNumber() throws -> JSONValue {
        let start = position
        var cursor = position
        let isNegative = bytes[cursor] == UInt8(ascii: "-")
        if isNegative { cursor += 1 }
        let integerStart = cursor
        cursor = skipDigits(from: cursor)
        guard cursor > integerStart else { throw failure("a number has no digit", at: start) }
        if bytes[integerStart] == UInt8(ascii: "0"), cursor - integerStart > 1 {
            throw failure("a number has a leading zero", at: start)
        }
        var isInteger = true
        if cursor < end, bytes[cursor] == UInt8(ascii: ".") {
            isInteger = false
            let fractionStart = cursor + 1
            cursor = skipDigits(from: fractionStart)
            guard cursor > fractionStart else { throw failure("a fraction has no digit", at: start) }
        }
        if cursor < end, bytes[cursor] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            cursor += 1
            if cursor < end, bytes[cursor] == UInt8(ascii: "+") || bytes[cursor] == UInt8(ascii: "-") { cursor += 1 }
            let exponentStart = cursor
            cursor = skipDigits(from: exponentStart)
            guard cursor > exponentStart else { throw failure("an exponent has no digit", at: start) }
        }
        guard cursor - start <= Self.maximumNumberBytes else {
            throw LetheError(
                .limitExceeded, "\(context): byte \(start): a number is longer than \(Self.maximumNumberBytes) bytes")
        }
        position = cursor
        if isInteger, let value = integer(from: integerStart, to: cursor, isNegative: isNegative) {
            return .integer(value)
        }
        let text = String(decoding: bytes[start..<cursor], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw failure("a number is out of range", at: start)
        }
        return .number(value)
    }

    private func skipDigits(from offset: Int) -> Int {
        var cursor = offset
        while cursor < end, bytes[cursor] >= UInt8(ascii: "0"), bytes[cursor] <= UInt8(ascii: "9") { cursor += 1 }
        return cursor
    }

    /// The digits as an integer; nil beyond 64 bits, and for "-0", whose sign only a double can keep.
    private func integer(from start: Int, to stop: Int, isNegative: Bool) -> Int64? {
        var value: Int64 = 0
        for index in start..<stop {
            let digit = Int64(bytes[index] - UInt8(ascii: "0"))
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            let (sum, carry) =
                isNegative ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
            guard !carry else { return nil }
            value = sum
        }
        if isNegative && value == 0 { return nil }
        return value
    }
}

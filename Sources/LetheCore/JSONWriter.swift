import Foundation

extension JSONValue {
    /// The value as UTF-8 JSON text.
    ///
    /// Doubles are written as the shortest text that reads back to the same bits, always with a fraction or an
    /// exponent, so that ``JSONParser`` gives back an equal value; infinities and not-a-number become `null`.
    ///
    /// - Parameters:
    ///   - pretty: Indent with two spaces and put each member on a line of its own. No newline at the end either way.
    ///   - sortedKeys: Write members in the order of their keys' UTF-8 bytes rather than in the object's own order.
    public func serialized(pretty: Bool = false, sortedKeys: Bool = false) -> Data {
        var writer = JSONWriter(pretty: pretty, sortedKeys: sortedKeys)
        writer.write(self, level: 0)
        return Data(writer.output)
    }

    /// As ``serialized(pretty:sortedKeys:)``, as a string.
    public func serializedString(pretty: Bool = false, sortedKeys: Bool = false) -> String {
        var writer = JSONWriter(pretty: pretty, sortedKeys: sortedKeys)
        writer.write(self, level: 0)
        return String(decoding: writer.output, as: UTF8.self)
    }
}

/// Appends JSON text to a byte array.
private struct JSONWriter {
    private static let hexDigits = Array("0123456789abcdef".utf8)

    let pretty: Bool
    let sortedKeys: Bool
    var output: [UInt8] = []

    init(pretty: Bool, sortedKeys: Bool) {
        self.pretty = pretty
        self.sortedKeys = sortedKeys
    }

    mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        case .number(let value): append(value.isFinite ? value.description : "null")
        case .string(let value): writeString(value)
        case .array(let values): writeArray(values, level: level + 1)
        case .object(let object): writeObject(object, level: level + 1)
        }
    }

    private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

    private mutating func newline(_ level: Int) {
        guard pretty else { return }
        output.append(0x0A)
        output.append(contentsOf: repeatElement(0x20, count: level * 2))
    }

    private mutating func writeArray(_ values: [JSONValue], level: Int) {
        output.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            newline(level)
            write(value, level: level)
        }
        if !values.isEmpty { newline(level - 1) }
        output.append(UInt8(ascii: "]"))
    }

    private mutating func writeObject(_ object: JSONObject, level: Int) {
        var entries = object.entries
        if sortedKeys { entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
        output.append(UInt8(ascii: "{"))
        for (index, entry) in entries.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            newline(level)
            writeString(entry.key)
            output.append(UInt8(ascii: ":"))
            if pretty { output.append(0x20) }
            write(entry.value, level: level)
        }
        if !entries.isEmpty { newline(level - 1) }
        output.append(UInt8(ascii: "}"))
    }

    private mutating func writeString(_ string: String) {
        output.append(UInt8(ascii: "\""))
        let isPlain = string.utf8.withContiguousStorageIfAvailable { bytes in
            let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            if isPlain { output.append(contentsOf: bytes) }
            return isPlain
        }
        if isPlain != true { writeEscaped(string) }
        output.append(UInt8(ascii: "\""))
    }

    private mutating func writeEscaped(_ string: String) {
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x08: append("\\b")
            case 0x09: append("\\t")
            case 0x0A: append("\\n")
            case 0x0C: append("\\f")
            case 0x0D: append("\\r")
            case 0..<0x20:
                append("\\u00")
                output.append(Self.hexDigits[Int(byte >> 4)])
                output.append(Self.hexDigits[Int(byte & 15)])
            default: output.append(byte)
            }
        }
    }
}

import LetheCore

/// Reads the members of one JSON object with their types, and names the place in every error.
struct JSONFields {
    let object: JSONObject
    /// Where the object is, such as "tokenizer.json: pre_tokenizer.pretokenizers[1]".
    let path: String

    /// An object, or an error naming what is there instead.
    init(_ value: JSONValue, path: String) throws {
        guard case .object(let object) = value else { throw LetheError(.badData, "\(path) is not an object") }
        self.object = object
        self.path = path
    }

    /// A member that is present and not null.
    func optional(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// A member that has to be there.
    func required(_ key: String) throws -> JSONValue {
        guard let value = object[key] else { throw LetheError(.badData, "\(path).\(key) is missing") }
        return value
    }

    /// The name of the component that the object describes.
    func type() throws -> String { try string("type") }

    /// A string.
    func string(_ key: String) throws -> String {
        guard let value = try required(key).stringValue else {
            throw LetheError(.badData, "\(path).\(key) is not a string")
        }
        return value
    }

    /// A string, or nil where it is absent or null.
    func optionalString(_ key: String) throws -> String? {
        guard let value = optional(key) else { return nil }
        guard let string = value.stringValue else { throw LetheError(.badData, "\(path).\(key) is not a string") }
        return string
    }

    /// A truth value, or the default where it is absent or null.
    func bool(_ key: String, default fallback: Bool) throws -> Bool {
        guard let value = optional(key) else { return fallback }
        guard let bool = value.boolValue else { throw LetheError(.badData, "\(path).\(key) is not true or false") }
        return bool
    }

    /// An integer of a range.
    func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int {
        guard let value = try required(key).intValue, range.contains(value) else {
            throw LetheError(
                .badData, "\(path).\(key) is not an integer of \(range.lowerBound) ... \(range.upperBound)")
        }
        return value
    }

    /// The elements of an array.
    func array(_ key: String) throws -> [JSONValue] {
        guard let value = try required(key).arrayValue else {
            throw LetheError(.badData, "\(path).\(key) is not an array")
        }
        return value
    }

    /// An object.
    func fields(_ key: String) throws -> JSONFields {
        try JSONFields(required(key), path: "\(path).\(key)")
    }

    /// A single character, as UTF-8.
    func character(_ key: String) throws -> [UInt8] {
        let value = try string(key)
        guard value.unicodeScalars.count == 1 else {
            throw LetheError(.badData, "\(path).\(key) is not a single character")
        }
        return Array(value.utf8)
    }

    /// A text of at most ``TokenizerLimits/maximumLiteralBytes``, as UTF-8.
    func literal(_ key: String, isEmptyAllowed: Bool) throws -> [UInt8] {
        let text = Array(try string(key).utf8)
        guard text.count <= TokenizerLimits.maximumLiteralBytes else {
            throw LetheError(
                .limitExceeded, "\(path).\(key) has more than \(TokenizerLimits.maximumLiteralBytes) bytes")
        }
        guard isEmptyAllowed || !text.isEmpty else { throw LetheError(.badData, "\(path).\(key) is empty") }
        return text
    }

    /// The error for a component that this build does not know.
    func unsupported(_ what: String) -> LetheError {
        LetheError(.unsupported, "\(path): \(what) is not supported")
    }

    /// A name for messages: short identifiers as they are, anything else by its length.
    static func printable(_ name: String) -> String {
        let isPlain =
            name.utf8.count <= 64
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x5F || byte == 0x2D || byte == 0x2E
            }
        return isPlain ? "\"\(name)\"" : "a name of \(name.utf8.count) bytes"
    }
}

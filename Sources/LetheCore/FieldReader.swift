/// Typed reads from one JSON object; every error begins with the JSON Pointer (RFC 6901) of the field.
public struct FieldReader {
    private let object: JSONObject
    private let pointer: String

    /// - Throws: `bad_data` when the value is not an object.
    public init(_ json: JSONValue, pointer: String) throws {
        guard let object = json.objectValue else {
            throw LetheError(.badData, "\(pointer.isEmpty ? "/" : pointer): must be an object")
        }
        self.object = object
        self.pointer = pointer
    }

    /// The field's value; nil when it is absent. An explicit null is an error of the typed reads.
    public subscript(name: String) -> JSONValue? { object[name] }

    /// The JSON Pointer of a field.
    public func path(_ name: String) -> String { "\(pointer)/\(name)" }

    /// An error about a field.
    public func error(_ name: String, _ problem: String) -> LetheError {
        LetheError(.badData, "\(path(name)): \(problem)")
    }

    /// - Throws: `bad_data` when a field is not in the list; its name is not quoted unless it is short and plain.
    public func allowOnly(_ names: Set<String>) throws {
        for entry in object.entries where !names.contains(entry.key) {
            let isPlain =
                entry.key.utf8.count <= 32 && entry.key.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 }
            throw LetheError(
                .badData,
                isPlain ? "\(path(entry.key)): unknown field" : "\(pointer.isEmpty ? "/" : pointer): unknown field")
        }
    }

    /// - Throws: `bad_data` when the value is nil.
    public func required<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else { throw error(name, "is missing") }
        return value
    }

    /// A string field, or nil when absent.
    /// - Parameter maximumCharacters: Unicode scalar values, as JSON Schema counts characters.
    public func string(_ name: String, maximumCharacters: Int = 1024) throws -> String? {
        guard let value = object[name] else { return nil }
        guard let text = value.stringValue else { throw error(name, "must be a string") }
        // A string never has more characters than bytes.
        if text.utf8.count > maximumCharacters, text.unicodeScalars.count > maximumCharacters {
            throw LetheError(
                .limitExceeded,
                "\(path(name)): \(text.unicodeScalars.count) characters; the limit is \(maximumCharacters)")
        }
        return text
    }

    /// An array field, or nil when absent.
    public func array(_ name: String) throws -> [JSONValue]? {
        guard let value = object[name] else { return nil }
        guard let values = value.arrayValue else { throw error(name, "must be an array") }
        return values
    }

    /// A whole number within bounds, or nil when absent.
    public func integer(_ name: String, in bounds: ClosedRange<Int>) throws -> Int? {
        guard let value = object[name] else { return nil }
        guard let number = value.intValue else { throw error(name, "must be a whole number") }
        guard bounds.contains(number) else {
            throw LetheError(.badData, "\(path(name)): must be from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return number
    }

    /// A number within bounds, or nil when absent.
    public func number(_ name: String, in bounds: ClosedRange<Double>) throws -> Double? {
        guard let value = object[name] else { return nil }
        guard let number = value.doubleValue else { throw error(name, "must be a number") }
        guard bounds.contains(number) else {
            throw LetheError(.badData, "\(path(name)): must be from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return number
    }

    /// A boolean, or nil when absent.
    public func boolean(_ name: String) throws -> Bool? {
        guard let value = object[name] else { return nil }
        guard let flag = value.boolValue else { throw error(name, "must be true or false") }
        return flag
    }
}

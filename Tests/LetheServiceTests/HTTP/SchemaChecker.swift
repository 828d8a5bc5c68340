import Foundation
import LetheCore

/// Checks JSON against the part of JSON Schema that the description uses.
struct SchemaChecker {
    let document: JSONValue

    /// What is wrong, with the place of each; empty when the value keeps the named schema. Properties that the schema
    /// does not name are reported too: answers must be described in full.
    func problems(_ value: JSONValue, schema name: String) -> [String] {
        check(value, ["$ref": .string("#/components/schemas/\(name)")], at: "")
    }

    private func check(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        if let reference = schema["$ref"]?.stringValue {
            var target: JSONValue? = document
            for part in reference.split(separator: "/").dropFirst() { target = target?[String(part)] }
            guard let target else { return ["\(place): no schema \(reference)"] }
            return check(value, target, at: place)
        }
        var problems: [String] = []
        let types =
            schema["type"]?.arrayValue?.compactMap(\.stringValue) ?? schema["type"]?.stringValue.map { [$0] } ?? []
        if !types.isEmpty, !types.contains(where: { has(value, type: $0) }) {
            return ["\(place): is not \(types.joined(separator: " or "))"]
        }
        if let words = schema["enum"]?.arrayValue, !words.contains(value) {
            problems.append("\(place): not in the enum")
        }
        if let pattern = schema["pattern"]?.stringValue, let text = value.stringValue,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            problems.append("\(place): does not match \(pattern)")
        }
        if schema["format"] == "date-time", let text = value.stringValue, Timestamp.parse(text) == nil {
            problems.append("\(place): is no time")
        }
        if let least = schema["minimum"]?.doubleValue, let number = value.doubleValue, number < least {
            problems.append("\(place): is under \(least)")
        }
        if let items = schema["items"], let values = value.arrayValue {
            for (index, element) in values.enumerated() { problems += check(element, items, at: "\(place)/\(index)") }
        }
        if let properties = schema["properties"]?.objectValue, let object = value.objectValue {
            for required in schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
            where object[required] == nil {
                problems.append("\(place)/\(required): is missing")
            }
            for entry in object.entries {
                guard let property = properties[entry.key] else {
                    problems.append("\(place)/\(entry.key): is not described")
                    continue
                }
                problems += check(entry.value, property, at: "\(place)/\(entry.key)")
            }
        }
        return problems
    }

    private func has(_ value: JSONValue, type: String) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array), ("object", .object),
            ("integer", .integer), ("number", .integer), ("number", .number):
            true
        default: false
        }
    }
}

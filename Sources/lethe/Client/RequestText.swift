import Foundation
import LetheCore

/// The API's objects as text for a terminal.
enum RequestText {
    private static let columns = ["ID", "STATE", "CATEGORY", "MODEL", "CREATED", "DUE"]

    /// A table with one line for each request.
    static func table(_ requests: [JSONValue]) -> [String] {
        let rows = requests.map { request in
            [
                field(request, "id"), field(request, "state"), field(request, "category"), field(request, "model"),
                field(request, "created_at"), field(request, "due_at"),
            ]
        }
        let widths = columns.indices.map { column in
            ([columns] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([columns] + rows).map { row in
            let padded = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            return padded.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }
    }

    /// The fields of one request, a line each; absent ones are left out.
    static func details(_ request: JSONValue) -> [String] {
        guard let object = request.objectValue else { return [] }
        let width = object.keys.map(\.count).max() ?? 0
        return object.entries.compactMap { entry in
            guard !entry.value.isNull else { return nil }
            return entry.key.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + plain(entry.value)
        }
    }

    /// One event on a line.
    static func event(_ event: JSONValue) -> String {
        var parts = [field(event, "at"), field(event, "kind")]
        if let to = event["to"]?.stringValue { parts.append("-> \(to)") }
        if let detail = event["detail"]?.objectValue {
            parts += detail.entries.map { "\($0.key)=\(plain($0.value))" }
        }
        return parts.map(printable).joined(separator: " ")
    }

    /// A request's id and state.
    static func summary(_ request: JSONValue) -> String {
        var text = "\(field(request, "id")) \(field(request, "state"))"
        if let error = request["error"], !error.isNull {
            text += " (\(field(error, "code")): \(field(error, "message")))"
        }
        return text
    }

    private static func field(_ json: JSONValue, _ name: String) -> String {
        json[name].map(plain) ?? "-"
    }

    private static func plain(_ value: JSONValue) -> String {
        switch value {
        case .null: "-"
        case .string(let text): printable(text)
        default: printable(value.serializedString())
        }
    }

    /// Without control characters, so that no answer can steer the terminal.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
    }
}

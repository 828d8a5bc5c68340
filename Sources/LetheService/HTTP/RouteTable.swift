import HTTPTypes

/// Which methods each path template answers to: what 405, `Allow`, `OPTIONS` and the route label of metrics need.
struct RouteTable: Sendable {
    /// The label of requests that no template matches.
    static let unmatched = "unmatched"

    private struct Entry {
        let template: String
        let segments: [Substring]
        var methods: [HTTPRequest.Method]
    }

    private var entries: [Entry] = []

    /// The templates with their methods, in the order they were added.
    var operations: [(template: String, methods: [HTTPRequest.Method])] {
        entries.map { ($0.template, $0.methods) }
    }

    /// Adds one operation. Templates write captures as `{name}`.
    mutating func add(_ method: HTTPRequest.Method, _ template: String) {
        if let index = entries.firstIndex(where: { $0.template == template }) {
            entries[index].methods.append(method)
        } else {
            entries.append(Entry(template: template, segments: Self.segments(of: template[...]), methods: [method]))
        }
    }

    /// The template that a request target falls under, with its methods; nil when there is none. Paths are compared
    /// as written: no decoding, no empty segments, no trailing slash.
    func match(target: String) -> (template: String, methods: [HTTPRequest.Method])? {
        let path = target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[..<$0] } ?? target[...]
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        let segments = Self.segments(of: path)
        guard !segments.contains(where: \.isEmpty) else { return nil }
        let matching = entries.first { entry in
            entry.segments.count == segments.count
                && zip(entry.segments, segments).allSatisfy { $0.hasPrefix("{") || $0.utf8.elementsEqual($1.utf8) }
        }
        return matching.map { ($0.template, $0.methods) }
    }

    /// The value of `Allow`.
    static func allow(_ methods: [HTTPRequest.Method]) -> String {
        var names = methods.map(\.rawValue)
        if methods.contains(.get) { names.append("HEAD") }
        names.append("OPTIONS")
        return names.joined(separator: ", ")
    }

    private static func segments(of path: Substring) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }
}

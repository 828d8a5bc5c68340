import Foundation

/// Puts together an SVG drawing as text. The same calls give the same bytes.
struct SVGBuilder {
    private(set) var body = ""
    let width: Double
    let height: Double

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// Adds markup that is well-formed already.
    mutating func add(_ markup: String) { body += markup + "\n" }

    mutating func line(_ from: (Double, Double), _ to: (Double, Double), class name: String) {
        add(
            "<line class=\"\(name)\" x1=\"\(Self.number(from.0))\" y1=\"\(Self.number(from.1))\" "
                + "x2=\"\(Self.number(to.0))\" y2=\"\(Self.number(to.1))\"/>")
    }

    /// Adds text; `anchor` is `start`, `middle` or `end`, `y` is the base line.
    mutating func text(
        _ text: String, x: Double, y: Double, anchor: String = "start", class name: String = "tick",
        attributes: String = ""
    ) {
        let extra = attributes.isEmpty ? "" : " " + attributes
        add(
            "<text class=\"\(name)\" x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\"\(extra)>"
                + "\(Self.escaped(text))</text>")
    }

    mutating func polyline(_ points: [(Double, Double)], class name: String) {
        guard points.count > 1 else { return }
        add("<polyline class=\"\(name)\" points=\"\(Self.points(points))\"/>")
    }

    mutating func polygon(_ points: [(Double, Double)], class name: String) {
        add("<polygon class=\"\(name)\" points=\"\(Self.points(points))\"/>")
    }

    /// The drawing with a title and a description that assistive software reads.
    func finish(id: String, title: String, description: String) -> String {
        """
        <svg viewBox="0 0 \(Self.number(width)) \(Self.number(height))" role="img" \
        aria-labelledby="\(id)-title \(id)-desc">
        <title id="\(id)-title">\(Self.escaped(title))</title>
        <desc id="\(id)-desc">\(Self.escaped(description))</desc>
        \(body)</svg>
        """
    }

    private static func points(_ points: [(Double, Double)]) -> String {
        points.map { "\(number($0.0)),\(number($0.1))" }.joined(separator: " ")
    }

    /// A coordinate with at most two decimals.
    static func number(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        let text = String(format: "%.2f", rounded == 0 || !rounded.isFinite ? 0 : rounded)
        var trimmed = Substring(text)
        while trimmed.hasSuffix("0") { trimmed = trimmed.dropLast() }
        return String(trimmed.hasSuffix(".") ? trimmed.dropLast() : trimmed)
    }

    /// Text made safe for HTML and for attribute values.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n": result.unicodeScalars.append(scalar)
            // Not allowed in XML.
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

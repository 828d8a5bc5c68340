/// A table of the report, written as Markdown, as HTML or as aligned text.
struct ReportTable {
    /// How a column is set.
    enum Alignment {
        case left, right
    }

    /// One column.
    struct Column {
        let title: String
        var alignment: Alignment = .right
    }

    let columns: [Column]
    var rows: [[String]] = []
    /// For each row the drawing put before its first cell in HTML; empty for none.
    var swatches: [String] = []

    init(_ columns: [Column]) { self.columns = columns }

    /// The first column holds words, the others numbers.
    init(_ titles: String...) {
        columns = titles.enumerated().map { Column(title: $1, alignment: $0 == 0 ? .left : .right) }
    }

    mutating func add(_ cells: String..., swatch: String = "") {
        rows.append(cells)
        swatches.append(swatch)
    }

    mutating func add(cells: [String], swatch: String = "") {
        rows.append(cells)
        swatches.append(swatch)
    }

    var markdown: String {
        func line(_ cells: [String]) -> String {
            "| " + cells.map { $0.replacing("|", with: "\\|").replacing("\n", with: " ") }.joined(separator: " | ")
                + " |\n"
        }
        return line(columns.map(\.title))
            + "|" + columns.map { $0.alignment == .left ? " --- |" : " ---: |" }.joined() + "\n"
            + rows.map(line).joined()
    }

    var html: String {
        func cell(_ tag: String, _ scope: String, _ text: String, _ index: Int, before: String = "") -> String {
            let name = index < columns.count && columns[index].alignment == .left ? " class=\"words\"" : ""
            return "<\(tag)\(scope)\(name)>\(before)\(SVGBuilder.escaped(text))</\(tag)>"
        }
        let head = columns.enumerated().map { cell("th", " scope=\"col\"", $1.title, $0) }.joined()
        let body = zip(rows, swatches).map { row, swatch in
            let cells = row.enumerated().map { index, text in
                index == 0
                    ? cell("th", " scope=\"row\"", text, index, before: swatch) : cell("td", "", text, index)
            }
            return "<tr>\(cells.joined())</tr>"
        }
        return """
            <div class="scroll"><table>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(body.joined(separator: "\n"))
            </tbody></table></div>
            """
    }

    var text: String {
        let widths = columns.indices.map { index in
            ([columns[index].title] + rows.map { $0[index] }).map(\.count).max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let padded = cells.enumerated().map { index, cell in
                let space = String(repeating: " ", count: widths[index] - cell.count)
                return columns[index].alignment == .left ? cell + space : space + cell
            }
            var joined = Substring(padded.joined(separator: "  "))
            while joined.hasSuffix(" ") { joined = joined.dropLast() }
            return joined + "\n"
        }
        return line(columns.map(\.title)) + line(widths.map { String(repeating: "-", count: $0) })
            + rows.map(line).joined()
    }
}

/// For each attack a row: the unlearned model before and after it, with the original and the retain model as marks.
struct RecoveryChart {
    /// One attack.
    struct Row {
        let label: String
        let before: Double
        let after: Double
        let original: Double
        let retain: Double?
    }

    /// The attacks on one method, under its name.
    struct Group {
        let label: String
        let style: ChartStyle
        let rows: [Row]
    }

    let title: String
    let description: String
    let xLabel: String
    let groups: [Group]

    private static let (width, left, right) = (720.0, 236.0, 24.0)
    private static let (rowHeight, top, bottom) = (24.0, 30.0, 44.0)
    /// What fits beside the chart.
    private static let longestLabel = 34

    /// The drawing; its height grows with the rows.
    func svg(id: String) -> String {
        let lines = groups.reduce(0) { $0 + $1.rows.count + 1 }
        let height = Self.top + Double(lines) * Self.rowHeight + Self.bottom
        var builder = SVGBuilder(width: Self.width, height: height)
        let values = groups.flatMap(\.rows).flatMap {
            [$0.before, $0.after, $0.original] + ($0.retain.map { [$0] } ?? [])
        }
        let x = ChartAxis(ChartAxis.fromZero(values), from: Self.left, to: Self.width - Self.right)
        let floor = height - Self.bottom
        for tick in x.ticks(6) {
            builder.line(
                (x.position(tick), Self.top - 4), (x.position(tick), floor), class: tick == 0 ? "axis" : "grid")
            builder.text(ChartAxis.label(tick), x: x.position(tick), y: floor + 16, anchor: "middle")
        }
        builder.text(xLabel, x: (x.start + x.end) / 2, y: height - 8, anchor: "middle", class: "label")
        addKey(&builder)
        var y = Self.top + Self.rowHeight / 2
        for group in groups {
            let color = "c\(group.style.color)"
            builder.text(group.label, x: Self.left - 10, y: y + 6, anchor: "end", class: "name \(color)")
            y += Self.rowHeight
            for row in group.rows {
                builder.text(Self.shortened(row.label), x: Self.left - 10, y: y + 4, anchor: "end")
                builder.line((x.position(row.before), y), (x.position(row.after), y), class: "span \(color)")
                Self.tick(&builder, x.position(row.original), y, class: "original")
                if let retain = row.retain { Self.tick(&builder, x.position(retain), y, class: "retained") }
                builder.add(Self.circle(x.position(row.before), y, "mark open \(color)"))
                builder.add(Self.circle(x.position(row.after), y, "mark \(color)"))
                y += Self.rowHeight
            }
        }
        return builder.finish(id: id, title: title, description: description)
    }

    private static func shortened(_ label: String) -> String {
        label.count > longestLabel ? label.prefix(longestLabel - 1) + "…" : label
    }

    private func addKey(_ builder: inout SVGBuilder) {
        let entries = [("before", 74.0), ("after", 64.0), ("original model", 122.0), ("retain model", 100.0)]
        var x = Self.left
        for (index, entry) in entries.enumerated() {
            switch index {
            case 0: builder.add(Self.circle(x + 5, 12, "mark open c0"))
            case 1: builder.add(Self.circle(x + 5, 12, "mark c0"))
            default: Self.tick(&builder, x + 5, 12, class: index == 2 ? "original" : "retained")
            }
            builder.text(entry.0, x: x + 16, y: 16)
            x += entry.1
        }
    }

    private static func circle(_ x: Double, _ y: Double, _ name: String) -> String {
        "<circle class=\"\(name)\" cx=\"\(SVGBuilder.number(x))\" cy=\"\(SVGBuilder.number(y))\" r=\"4.5\"/>"
    }

    /// A vertical stroke; the retain model's is double, so that the two differ without colour.
    private static func tick(_ builder: inout SVGBuilder, _ x: Double, _ y: Double, class name: String) {
        if name == "retained" {
            builder.line((x - 1.6, y - 8), (x - 1.6, y + 8), class: name)
            builder.line((x + 1.6, y - 8), (x + 1.6, y + 8), class: name)
        } else {
            builder.line((x, y - 8), (x, y + 8), class: name)
        }
    }
}

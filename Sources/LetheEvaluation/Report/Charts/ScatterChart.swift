/// Points in the unit square, with the front of those that no other point beats in both directions.
struct ScatterChart {
    /// One point.
    struct Point {
        let label: String
        let style: ChartStyle
        let x: Double
        let y: Double
        /// Whether it may be on the front; controls are shown but do not compete.
        var competes: Bool { !style.isControl }
    }

    let title: String
    let description: String
    let xLabel: String
    let yLabel: String
    let points: [Point]

    private static let (width, height) = (560.0, 420.0)
    private static let (left, right, top, bottom) = (56.0, 24.0, 16.0, 48.0)

    /// The drawing.
    func svg(id: String) -> String {
        var builder = SVGBuilder(width: Self.width, height: Self.height)
        let x = ChartAxis(0...1, from: Self.left, to: Self.width - Self.right)
        let y = ChartAxis(0...1, from: Self.height - Self.bottom, to: Self.top)
        for tick in y.ticks() {
            builder.line((x.start, y.position(tick)), (x.end, y.position(tick)), class: tick == 0 ? "axis" : "grid")
            builder.text(ChartAxis.label(tick), x: x.start - 8, y: y.position(tick) + 4, anchor: "end")
            builder.line((x.position(tick), y.start), (x.position(tick), y.end), class: tick == 0 ? "axis" : "grid")
            builder.text(ChartAxis.label(tick), x: x.position(tick), y: y.start + 18, anchor: "middle")
        }
        builder.text(xLabel, x: (x.start + x.end) / 2, y: Self.height - 8, anchor: "middle", class: "label")
        let middle = (y.start + y.end) / 2
        builder.text(
            yLabel, x: 14, y: middle, anchor: "middle", class: "label",
            attributes: "transform=\"rotate(-90 14 \(SVGBuilder.number(middle)))\"")
        let competing = points.filter(\.competes).map { ($0.x, $0.y) }
        let front = ParetoFront.indices(of: competing).map { competing[$0] }
        builder.polyline(Self.steps(front).map { (x.position($0.0), y.position($0.1)) }, class: "front")
        var taken: [(x: Double, y: Double, width: Double)] = points.map { (x.position($0.x) - 7, y.position($0.y), 14) }
        for point in points.filter({ !$0.competes }) + points.filter(\.competes) {
            let (px, py) = (x.position(point.x), y.position(point.y))
            builder.add(point.style.mark(x: px, y: py, size: 5.5))
            let width = Double(point.label.count) * 7.6
            // Right, left, below and above the point, then further up and down beside it.
            var offsets: [(Double, Double)] = [(11, 4), (-11 - width, 4), (-width / 2, 20), (-width / 2, -12)]
            for shift in [16.0, 30, 44, 58] {
                offsets += [(11, 4 + shift), (11, 4 - shift), (-11 - width, 4 + shift), (-11 - width, 4 - shift)]
            }
            let place = offsets.first { offset in
                let (left, line) = (px + offset.0, py + offset.1 - 4)
                guard left >= x.start + 2, left + width <= Self.width - 2, line > 8, line < y.start - 4 else {
                    return false
                }
                return !taken.contains { $0.x < left + width && left < $0.x + $0.width && abs($0.y - line) < 12 }
            }
            let (dx, dy) = place ?? (11, 4)
            taken.append((px + dx, py + dy - 4, width))
            builder.text(point.label, x: px + dx, y: py + dy, class: "name c\(point.style.color)")
        }
        return builder.finish(id: id, title: title, description: description)
    }

    /// The border of what the front dominates, down to the axes.
    private static func steps(_ front: [(Double, Double)]) -> [(Double, Double)] {
        guard let first = front.first, let last = front.last else { return [] }
        var corners: [(Double, Double)] = [(0, first.1)]
        for (index, point) in front.enumerated() {
            if index > 0 { corners.append((front[index - 1].0, point.1)) }
            corners.append(point)
        }
        return corners + [(last.0, 0)]
    }
}

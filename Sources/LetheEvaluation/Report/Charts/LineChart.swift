/// Lines over a shared horizontal axis, each labelled at its end.
struct LineChart {
    /// One line.
    struct Series {
        let label: String
        let style: ChartStyle
        /// Its points in order of x.
        let points: [(x: Double, y: Double)]
        /// The least and the largest y at each point; empty to draw no band.
        var band: [(low: Double, high: Double)] = []
        /// Whether each point is marked.
        var hasMarkers = true
    }

    let title: String
    let description: String
    let xLabel: String
    let yRange: ClosedRange<Double>
    /// The ticks of the horizontal axis; empty for round ones.
    var xTicks: [Double] = []
    let series: [Series]

    private static let (width, height) = (560.0, 320.0)
    private static let (left, right, top, bottom) = (44.0, 132.0, 14.0, 44.0)
    private static let labelDistance = 14.0

    /// The drawing.
    func svg(id: String) -> String {
        var builder = SVGBuilder(width: Self.width, height: Self.height)
        let xs = series.flatMap { $0.points.map(\.x) } + xTicks
        let x = ChartAxis(
            (xs.min() ?? 0)...(xs.max() ?? 1), from: Self.left + 8, to: Self.width - Self.right - 8)
        let y = ChartAxis(yRange, from: Self.height - Self.bottom, to: Self.top)
        for tick in y.ticks() {
            let at = y.position(tick)
            builder.line((Self.left, at), (Self.width - Self.right, at), class: tick == 0 ? "axis" : "grid")
            builder.text(ChartAxis.label(tick), x: Self.left - 8, y: at + 4, anchor: "end")
        }
        for tick in xTicks.isEmpty ? x.ticks() : xTicks {
            builder.text(
                ChartAxis.label(tick), x: x.position(tick), y: Self.height - Self.bottom + 18, anchor: "middle")
        }
        builder.text(
            xLabel, x: (Self.left + Self.width - Self.right) / 2, y: Self.height - 8, anchor: "middle", class: "label")
        for line in series where line.band.count == line.points.count && line.points.count > 1 {
            let upper = zip(line.points, line.band).map { (x.position($0.x), y.position($1.high)) }
            let lower = zip(line.points, line.band).map { (x.position($0.x), y.position($1.low)) }
            builder.polygon(upper + lower.reversed(), class: "band c\(line.style.color)")
        }
        // Controls first, so that methods lie on top.
        for line in series.filter(\.style.isControl) + series.filter({ !$0.style.isControl }) {
            let points = line.points.map { (x.position($0.x), y.position($0.y)) }
            builder.polyline(points, class: line.style.lineClass)
            if line.hasMarkers || points.count == 1 {
                for point in points { builder.add(line.style.mark(x: point.0, y: point.1)) }
            }
        }
        addLabels(&builder, x: x, y: y)
        return builder.finish(id: id, title: title, description: description)
    }

    /// Writes each line's name beside its end, moved apart where they would touch, with a thin leader to the end.
    private func addLabels(_ builder: inout SVGBuilder, x: ChartAxis, y: ChartAxis) {
        let ends = series.compactMap { line in line.points.last.map { (line, x.position($0.x), y.position($0.y)) } }
            .sorted { ($0.2, $0.0.label) < ($1.2, $1.0.label) }
        let placed = Self.spread(ends.map(\.2), distance: Self.labelDistance, within: Self.top...(Self.height - 30))
        for ((line, endX, endY), labelY) in zip(ends, placed) {
            let labelX = Self.width - Self.right + 16
            builder.polyline([(endX + 6, endY), (labelX - 8, labelY), (labelX - 3, labelY)], class: "leader")
            builder.text(
                Self.shortened(line.label), x: labelX, y: labelY + 4, class: "name c\(line.style.color)")
        }
    }

    /// A label that fits beside the chart.
    static func shortened(_ label: String) -> String {
        label.count > 18 ? label.prefix(17) + "…" : label
    }

    /// Sorted positions moved apart to a least distance, kept within bounds as far as they fit.
    static func spread(_ positions: [Double], distance: Double, within bounds: ClosedRange<Double>) -> [Double] {
        var placed = positions
        for index in placed.indices.dropFirst() { placed[index] = max(placed[index], placed[index - 1] + distance) }
        if let last = placed.last, last > bounds.upperBound {
            placed[placed.count - 1] = bounds.upperBound
            for index in placed.indices.dropLast().reversed() {
                placed[index] = min(placed[index], placed[index + 1] - distance)
            }
        }
        return placed
    }
}

import Foundation

/// Writes report.html: one file with everything in it, no script, nothing fetched.
///
/// Charts are SVG drawn here, legible in light and dark and without colours: each method has its own marker, and each
/// chart has a title, a description and its data in a table.
public enum HTMLReport {
    /// The page of a result; the same bytes for the same result.
    public static func text(_ result: EvaluationResult) -> String {
        let content = ReportContent(result)
        var page = HTMLPage()
        let hasStream = result.methods.contains { !$0.summary.isEmpty }
        if hasStream { addStream(content, to: &page) }
        if !content.metricsTable.rows.isEmpty {
            page.section("All metrics", "At the end of the stream; the baselines are measured once, on the whole sets.")
            page.add(content.metricsTable.html)
        }
        if let table = content.membershipTable {
            page.section("Membership inference", ReportContent.membershipExplanation)
            page.add(table.html)
        }
        if !result.attacks.isEmpty { addAttacks(content, to: &page) }
        if let table = content.utilityTable {
            page.section("Utility beyond the benchmark")
            page.add(table.html)
        }
        if !result.requests.isEmpty { addRequests(content, to: &page) }
        if !result.methods.isEmpty {
            page.section("Methods")
            page.add(content.methodTable.html)
        }
        page.section("Setup")
        page.add(content.setupTable.html)
        if !content.notes.isEmpty {
            page.section("Notes")
            page.add(
                "<ul>\n" + content.notes.map { "<li>\(SVGBuilder.escaped($0))</li>" }.joined(separator: "\n")
                    + "\n</ul>")
        }
        let seeds = result.seeds.count
        let subtitle =
            "\(result.data.name): \(result.data.forgetTexts) texts to forget, \(result.data.retainTexts) to keep; "
            + "\(seeds) seed\(seeds == 1 ? "" : "s"); \(result.createdAt)"
        return page.finish(title: content.title, subtitle: subtitle)
    }

    // MARK: Sections

    private static func addStream(_ content: ReportContent, to page: inout HTMLPage) {
        page.section("After the last request", ReportContent.scoreExplanation)
        page.add(content.finalTable.html)

        page.section("Over the stream", bandSentence(content))
        page.open("pair")
        addStreamChart("Forget Degree", \.forgetDegree, content, to: &page)
        addStreamChart("Retain Utility", \.retainUtility, content, to: &page)
        page.close()

        page.section(
            "Forgetting against keeping",
            "At the end of the stream. Up and right is better; the line bounds what some method reaches. "
                + "Controls do not compete."
        )
        let points = zip(content.result.methods, content.styles).compactMap { method, style in
            method.summary.last.map {
                ScatterChart.Point(
                    label: method.label, style: style, x: $0.retainUtility.mean, y: $0.forgetDegree.mean)
            }
        }
        var table = ReportTable("Method", "Retain Utility", "Forget Degree")
        for point in points {
            table.add(
                point.label, ReportNumber.degree(point.x), ReportNumber.degree(point.y), swatch: point.style.swatch)
        }
        let chart = ScatterChart(
            title: "Forget Degree against Retain Utility", description: description(of: table),
            xLabel: "Retain Utility",
            yLabel: "Forget Degree", points: points)
        page.open("beside")
        page.figure(table: nil) { chart.svg(id: $0) }
        page.add(table.html)
        page.close()

        if let table = content.categoryTable {
            page.section("By category", "At the end of the stream, mean over the seeds.")
            page.add(table.html)
        }
        if let table = content.retainGroupTable {
            page.section("Kept texts, given and unseen", ReportContent.retainGroupExplanation)
            page.add(table.html)
        }
        page.section("Against the published reference", ReportContent.interpolatedCaution)
        page.open("pair")
        addStreamChart("Forget Degree, published reference", \.forgetDegreeInterpolated, content, to: &page)
        addStreamChart("Retain Utility, published reference", \.retainUtilityInterpolated, content, to: &page)
        page.close()
    }

    private static func bandSentence(_ content: ReportContent) -> String {
        content.result.seeds.count > 1
            ? "Mean over the seeds; the band reaches from the least to the largest." : "One seed."
    }

    private static func addStreamChart(
        _ title: String, _ value: (CheckpointSummary) -> Spread, _ content: ReportContent, to page: inout HTMLPage
    ) {
        let series = zip(content.result.methods, content.styles).map { method, style in
            LineChart.Series(
                label: method.label, style: style, points: method.summary.map { (Double($0.deleted), value($0).mean) },
                band: method.runs.count > 1 ? method.summary.map { (value($0).minimum, value($0).maximum) } : [])
        }
        let table = content.streamTable(value)
        let chart = LineChart(
            title: title, description: description(of: table), xLabel: "texts deleted", yRange: 0...1,
            xTicks: content.deletedCounts.map(Double.init), series: series)
        page.figure(caption: title, table: table) { chart.svg(id: $0) }
    }

    private static func addAttacks(_ content: ReportContent, to page: inout HTMLPage) {
        page.section("Recovery attacks", ReportContent.attackExplanation)
        for kind in content.attackKinds {
            let attacks = content.result.attacks.filter { $0.attack == kind }
            let table = content.attackTable(kind)
            let heading = ReportContent.attackHeading(kind)
            // Values of different measures do not share an axis.
            var measures: [String] = []
            for attack in attacks where !measures.contains(attack.measure) { measures.append(attack.measure) }
            for (index, measure) in measures.enumerated() {
                let chart = RecoveryChart(
                    title: "\(heading): \(measure) before and after", description: description(of: table),
                    xLabel: measure, groups: groups(attacks.filter { $0.measure == measure }, in: content))
                page.figure(caption: heading, table: index == measures.count - 1 ? table : nil, wide: true) {
                    chart.svg(id: $0)
                }
            }
            for attack in attacks where !attack.series.isEmpty { addSeries(attack, content, to: &page) }
        }
    }

    /// The attacks on each method, in the order of the result.
    private static func groups(_ attacks: [AttackResult], in content: ReportContent) -> [RecoveryChart.Group] {
        var names: [String] = []
        for attack in attacks where !names.contains(attack.method) { names.append(attack.method) }
        return names.map { name in
            RecoveryChart.Group(
                label: content.label(name), style: content.style(name),
                rows: attacks.filter { $0.method == name }.map { attack in
                    RecoveryChart.Row(
                        label: attack.variant, before: attack.before, after: attack.after, original: attack.original,
                        retain: attack.retain)
                })
        }
    }

    private static func addSeries(_ attack: AttackResult, _ content: ReportContent, to page: inout HTMLPage) {
        let length = attack.series.map(\.values.count).max() ?? 0
        var table = ReportTable(
            [ReportTable.Column(title: "Layer")] + attack.series.map { ReportTable.Column(title: $0.name) })
        for layer in 0..<length {
            table.add(
                cells: ["\(layer)"]
                    + attack.series.map {
                        $0.values.indices.contains(layer) ? ReportNumber.degree($0.values[layer]) : "–"
                    })
        }
        let series = attack.series.enumerated().map { index, series in
            LineChart.Series(
                label: series.name, style: ChartStyle(index: index, isControl: false),
                points: series.values.enumerated().map { (Double($0), $1) }, hasMarkers: length <= 40)
        }
        let caption = "\(content.label(attack.method)) · \(attack.variant)"
        let chart = LineChart(
            title: "\(ReportContent.attackHeading(attack.attack)), \(caption)",
            description: "\(attack.measure) by layer for \(attack.series.map(\.name).joined(separator: ", ")).",
            xLabel: "layer", yRange: ChartAxis.fromZero(attack.series.flatMap(\.values)), series: series)
        page.figure(caption: "\(ReportContent.attackHeading(attack.attack)): \(caption)", table: table, wide: false) {
            chart.svg(id: $0)
        }
    }

    private static func addRequests(_ content: ReportContent, to page: inout HTMLPage) {
        page.section("Time and memory of a request", "By the request's place in the stream, mean over the seeds.")
        page.open("pair")
        addRequestChart("Time, seconds", "Seconds", { $0.seconds }, content, to: &page)
        if content.result.requests.contains(where: { $0.peakMemoryBytes > 0 }) {
            addRequestChart("Peak memory, MiB", "MiB", { Double($0.peakMemoryBytes) / 1_048_576 }, content, to: &page)
        }
        page.close()
        if let table = content.requestTable { page.add(table.html) }
        if let table = content.phaseTable { page.add(table.html) }
    }

    private static func addRequestChart(
        _ title: String, _ unit: String, _ value: (RequestRecord) -> Double, _ content: ReportContent,
        to page: inout HTMLPage
    ) {
        let series = zip(content.result.methods, content.styles).compactMap { method, style -> LineChart.Series? in
            let groups = Dictionary(
                grouping: content.result.requests.filter { $0.method == method.name }, by: \.position)
            guard !groups.isEmpty else { return nil }
            let points = groups.keys.sorted().map { position in
                (Double(position), SampleSummary((groups[position] ?? []).map(value)).mean)
            }
            return LineChart.Series(label: method.label, style: style, points: points, hasMarkers: points.count <= 12)
        }
        let chart = LineChart(
            title: title, description: "\(unit) by place in the stream, one line for each method.",
            xLabel: "request", yRange: ChartAxis.fromZero(series.flatMap { $0.points.map(\.y) }), series: series)
        page.figure(caption: title, table: nil) { chart.svg(id: $0) }
    }

    /// A table read out, for assistive software.
    private static func description(of table: ReportTable) -> String {
        table.rows.map { row in
            (row.first ?? "") + ": "
                + zip(table.columns, row).dropFirst().map { "\($0.title) \($1)" }.joined(separator: ", ")
        }.joined(separator: ". ") + "."
    }
}

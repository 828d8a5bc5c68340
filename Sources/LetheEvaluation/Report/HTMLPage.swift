/// Puts a page together; headings, figures and tables in one look.
struct HTMLPage {
    private var body = ""
    private var figures = 0
    private var isSectionOpen = false

    mutating func add(_ markup: String) { body += markup + "\n" }

    /// Begins a section, ending the one before.
    mutating func section(_ heading: String, _ lead: String? = nil) {
        endSection()
        add("<section>\n<h2>\(SVGBuilder.escaped(heading))</h2>")
        if let lead { add("<p class=\"lead\">\(SVGBuilder.escaped(lead))</p>") }
        isSectionOpen = true
    }

    mutating func open(_ name: String) { add("<div class=\"\(name)\">") }

    mutating func close() { add("</div>") }

    /// A chart with a caption and its data; `draw` is given the chart's id.
    mutating func figure(caption: String? = nil, table: ReportTable?, wide: Bool = false, draw: (String) -> String) {
        figures += 1
        let caption = caption.map { "<figcaption>\(SVGBuilder.escaped($0))</figcaption>\n" } ?? ""
        let data = table.map { "\n<details><summary>Data</summary>\n\($0.html)\n</details>" } ?? ""
        add("<figure\(wide ? " class=\"wide\"" : "")>\n\(caption)\(draw("chart-\(figures)"))\(data)\n</figure>")
    }

    mutating func finish(title: String, subtitle: String) -> String {
        endSection()
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(SVGBuilder.escaped(title))</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body>
            <header>
            <h1>\(SVGBuilder.escaped(title))</h1>
            <p>\(SVGBuilder.escaped(subtitle))</p>
            </header>
            <main>
            \(body)</main>
            </body>
            </html>

            """
    }

    private mutating func endSection() {
        if isSectionOpen { add("</section>") }
        isSectionOpen = false
    }

    private static let style = """
        :root {
          --page: #ffffff; --ink: #1b2530; --soft: #55626f; --rule: #d9dfe5; --grid: #e8ecf0; --panel: #f6f8fa;
          --c0: #0067a5; --c1: #c2450a; --c2: #00795c; --c3: #a3358c; --c4: #8a6a00; --c5: #5b4bc4; --c6: #66727e;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #12181e; --ink: #e4eaf0; --soft: #9fadba; --rule: #33404c; --grid: #26313b; --panel: #19222a;
            --c0: #5ab4f0; --c1: #ff8f62; --c2: #45cfa8; --c3: #e78fd8; --c4: #dfba45; --c5: #aaa0ff; --c6: #9aa8b5;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
        header, main { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
        header { padding-top: 32px; }
        h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
        header p { margin: 0; color: var(--soft); }
        section { margin: 36px 0 0; }
        main { padding-bottom: 64px; }
        h2 { font-size: 18px; margin: 0 0 6px; padding-top: 14px; border-top: 1px solid var(--rule); }
        .lead { margin: 0 0 14px; max-width: 78ch; color: var(--soft); }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 20px; }
        .beside { display: flex; flex-wrap: wrap; gap: 8px 28px; align-items: flex-start; }
        .beside figure { flex: 1 1 460px; }
        figure { margin: 0 0 18px; padding: 14px 16px; background: var(--panel); border: 1px solid var(--rule);
          border-radius: 8px; min-width: 0; max-width: 680px; }
        figure.wide { max-width: 860px; }
        figcaption { font-weight: 600; margin-bottom: 6px; }
        figure > svg { display: block; width: 100%; height: auto; }
        details { margin-top: 8px; }
        summary { cursor: pointer; color: var(--soft); font-size: 13px; }
        .scroll { overflow-x: auto; margin: 8px 0 4px; }
        table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
        th, td { padding: 5px 12px 5px 0; text-align: right; border-bottom: 1px solid var(--rule);
          white-space: nowrap; }
        thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
        tbody th { font-weight: 500; }
        th.words, td.words { text-align: left; }
        td.words:last-child { white-space: normal; overflow-wrap: anywhere; }
        .swatch { width: 28px; height: 12px; margin-right: 8px; vertical-align: -1px; }
        svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--soft); }
        svg text.label { fill: var(--ink); }
        svg text.name { font-weight: 600; paint-order: stroke; stroke: var(--panel); stroke-width: 4px;
          stroke-linejoin: round; }
        .grid { stroke: var(--grid); stroke-width: 1; }
        .axis { stroke: var(--soft); stroke-width: 1; }
        .series { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .leader { fill: none; stroke: var(--rule); stroke-width: 1; }
        .front { fill: none; stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 5 4; }
        .band { opacity: 0.13; }
        .span { stroke-width: 3; opacity: 0.45; }
        .original { stroke: var(--ink); stroke-width: 2; }
        .retained { stroke: var(--soft); stroke-width: 1.4; }
        .mark { stroke: var(--page); stroke-width: 1; }
        .d1 { stroke-dasharray: 8 4; }
        .d2 { stroke-dasharray: 2 3; }
        .d3 { stroke-dasharray: 6 3 2 3; }
        .d4 { stroke-dasharray: 10 3; }
        \((0...ChartStyle.colors).map { index in
            """
            .series.c\(index), .span.c\(index) { stroke: var(--c\(index)); }
            .band.c\(index), .mark.c\(index), svg text.name.c\(index) { fill: var(--c\(index)); }
            .mark.open.c\(index) { fill: var(--panel); stroke: var(--c\(index)); stroke-width: 1.8; }
            """
        }.joined(separator: "\n"))
        @media print { figure { break-inside: avoid; } }
        """
}

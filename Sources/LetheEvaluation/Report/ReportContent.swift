import LetheCore

/// What both forms of the report show: the tables and sentences drawn from one result.
struct ReportContent {
    let result: EvaluationResult
    let styles: [ChartStyle]

    init(_ result: EvaluationResult) {
        self.result = result
        styles = ChartStyle.styles(result.methods)
    }

    var title: String {
        result.kind == "pch" ? "PCH benchmark: \(result.model.name)" : "Recovery attacks: \(result.model.name)"
    }

    private var seedCount: Int { result.seeds.count }

    private var methods: [(method: MethodResult, style: ChartStyle)] { Array(zip(result.methods, styles)) }

    /// The label of a method's name.
    func label(_ name: String) -> String { result.methods.first { $0.name == name }?.label ?? name }

    /// The style of a method's name; the first one for a name that is not in the list.
    func style(_ name: String) -> ChartStyle {
        methods.first { $0.method.name == name }?.style ?? ChartStyle(index: 0, isControl: false)
    }

    // MARK: Sentences

    static let interpolatedCaution = """
        The published reference is a straight line from the original model's score to the retain model's, both on the \
        whole sets, while the measured score is taken on the texts deleted so far. The two are different sets: early \
        in the stream doing nothing scores better than deleting perfectly. It is shown for comparison with published \
        tables only.
        """

    static let scoreExplanation = """
        Forget Degree compares the aggregate on the deleted texts, 100 · ∛(P · R · A), with that of the retain model, \
        which never saw them, on the very same texts; Retain Utility does the same on the texts to keep. Both are 1 \
        when the unlearned model scores just as the retain model does, and fall to either side of it.
        """

    static let attackExplanation = """
        Recovered is the share of the gap between the unlearned and the original model that an attack brings back. The \
        same attack on the retain model says how much of that is learning anew.
        """

    static let membershipExplanation = """
        AUC, with its 95 % interval, of telling deleted from kept texts at the end of the stream; at 0.5 the deleted \
        texts still look like texts that the model was trained on.
        """

    var notes: [String] {
        var notes = result.notes
        if result.data.questionsAreDerived {
            notes.insert(
                "The data has no file of questions for at least one side; its questions were derived from the texts.",
                at: 0)
        }
        return notes
    }

    // MARK: Tables

    /// The last checkpoint of each method.
    var finalTable: ReportTable {
        var table = ReportTable(
            "Method", "Forget Degree", "Retain Utility", "F.D. published", "R.U. published", "Deleted aggregate",
            "Kept aggregate")
        for (method, style) in methods {
            guard let last = method.summary.last else { continue }
            let runs = method.runs.compactMap(\.checkpoints.last)
            table.add(
                method.label, ReportNumber.spread(last.forgetDegree, seeds: seedCount),
                ReportNumber.spread(last.retainUtility, seeds: seedCount),
                ReportNumber.degree(last.forgetDegreeInterpolated.mean),
                ReportNumber.degree(last.retainUtilityInterpolated.mean),
                ReportNumber.fixed(SampleSummary(runs.map(\.forget.aggregate)).mean, 1),
                ReportNumber.fixed(SampleSummary(runs.map(\.retain.aggregate)).mean, 1), swatch: style.swatch)
        }
        return table
    }

    /// One degree over the stream.
    func streamTable(_ value: (CheckpointSummary) -> Spread) -> ReportTable {
        let counts = deletedCounts
        var table = ReportTable(
            [ReportTable.Column(title: "Method", alignment: .left)]
                + counts.map { ReportTable.Column(title: "\($0) deleted") })
        for (method, style) in methods where !method.summary.isEmpty {
            let cells = counts.map { count in
                ReportNumber.spread(method.summary.first { $0.deleted == count }.map(value), seeds: seedCount)
            }
            table.add(cells: [method.label] + cells, swatch: style.swatch)
        }
        return table
    }

    /// After how many deletions any method was evaluated.
    var deletedCounts: [Int] {
        Set(result.methods.flatMap { $0.summary.map(\.deleted) }).sorted()
    }

    /// Both degrees of each category at the end of the stream.
    var categoryTable: ReportTable? {
        var names: [String] = []
        for category in RequestCategory.allCases.map(\.rawValue)
        where result.methods.contains(where: {
            $0.summary.last?.categories.contains { $0.category == category } ?? false
        }) {
            names.append(category)
        }
        guard !names.isEmpty else { return nil }
        var table = ReportTable(
            [ReportTable.Column(title: "Method", alignment: .left)]
                + names.flatMap { [ReportTable.Column(title: "F.D. \($0)"), ReportTable.Column(title: "R.U. \($0)")] })
        for (method, style) in methods {
            guard let last = method.summary.last else { continue }
            let cells = names.flatMap { name -> [String] in
                let own = last.categories.first { $0.category == name }
                return [ReportNumber.degree(own?.forgetDegree?.mean), ReportNumber.degree(own?.retainUtility?.mean)]
            }
            table.add(cells: [method.label] + cells, swatch: style.swatch)
        }
        return table
    }

    /// Retain Utility at the end of the stream on the retain texts that the method was given to keep and on those that it
    /// never saw, mean over the seeds; nil where no method was given a part.
    var retainGroupTable: ReportTable? {
        var table = ReportTable("Method", "R.U. given", "R.U. unseen")
        for (method, style) in methods {
            let groups = method.runs.compactMap(\.checkpoints.last).flatMap { $0.retainGroups ?? [] }
            guard !groups.isEmpty else { continue }
            let cells = ["given", "unseen"].map { name in
                ReportNumber.degree(groups.filter { $0.group == name }.map(\.retainUtility).mean)
            }
            table.add(cells: [method.label] + cells, swatch: style.swatch)
        }
        return table.rows.isEmpty ? nil : table
    }

    static let retainGroupExplanation = """
        Retain Utility at the end of the stream, apart for the retain texts that the method was given to keep and for \
        those that were in no update.
        """

    /// The parts of the score and the other metrics, at the end of the stream.
    var metricsTable: ReportTable {
        var table = ReportTable(
            "Model", "Texts", "P", "R", "A", "Aggregate", "Mean NLL", "Perplexity", "Extraction", "Memorised",
            "Truth ratio")
        func add(_ label: String, _ metrics: [SetMetrics], _ swatch: String) {
            func mean(_ value: (SetMetrics) -> Double?) -> Double? { metrics.compactMap(value).mean }
            table.add(
                label, metrics.first.map { "\($0.texts)" } ?? "–", ReportNumber.degree(mean(\.probability)),
                ReportNumber.degree(mean(\.rougeL)), ReportNumber.degree(mean(\.accuracy)),
                ReportNumber.fixed(mean(\.aggregate), 1), ReportNumber.degree(mean(\.meanNLL)),
                ReportNumber.fixed(mean(\.perplexity), 2), ReportNumber.degree(mean(\.extractionStrength)),
                ReportNumber.degree(mean(\.exactMemorisation)), ReportNumber.degree(mean(\.truthRatio)), swatch: swatch)
        }
        for baseline in result.baselines {
            add("\(baseline.name) model, all to forget", [baseline.forget], "")
            add("\(baseline.name) model, all to keep", [baseline.retain], "")
        }
        for (method, style) in methods {
            let runs = method.runs.compactMap(\.checkpoints.last)
            guard !runs.isEmpty else { continue }
            add("\(method.label), deleted", runs.map(\.forget), style.swatch)
            add("\(method.label), kept", runs.map(\.retain), style.swatch)
        }
        return table
    }

    /// Membership inference on the deleted texts at the end of the stream, a row for each run, a column for each score;
    /// and a row for each model where it was run by itself.
    var membershipTable: ReportTable? {
        let alone = result.membership ?? []
        var scores: [String] = []
        for score in result.methods.flatMap(\.runs).compactMap(\.checkpoints.last).flatMap(\.forget.membership)
            + alone.flatMap(\.scores) where !scores.contains(score.score)
        { scores.append(score.score) }
        guard !scores.isEmpty else { return nil }
        var table = ReportTable(
            [ReportTable.Column(title: "Method", alignment: .left), ReportTable.Column(title: "Seed")]
                + scores.map { ReportTable.Column(title: $0) })
        func cells(_ results: [MembershipResult]) -> [String] {
            scores.map { name in
                results.first { $0.score == name }.map { score in
                    "\(ReportNumber.degree(score.auc)) (\(ReportNumber.degree(score.lower)) to "
                        + "\(ReportNumber.degree(score.upper)))"
                } ?? "–"
            }
        }
        for (method, style) in methods {
            for run in method.runs {
                guard let last = run.checkpoints.last, !last.forget.membership.isEmpty else { continue }
                table.add(
                    cells: [method.label, "\(run.seed)"] + cells(last.forget.membership), swatch: style.swatch)
            }
        }
        for model in alone { table.add(cells: ["\(model.model) model", "–"] + cells(model.scores)) }
        return table
    }

    /// The kinds of attack in the order of the result.
    var attackKinds: [String] {
        var kinds: [String] = []
        for attack in result.attacks where !kinds.contains(attack.attack) { kinds.append(attack.attack) }
        return kinds
    }

    /// How a kind of attack is headed.
    static func attackHeading(_ kind: String) -> String {
        switch kind {
        case "relearn": "Relearning"
        case "quantize": "Quantisation"
        case "prompt": "Prompting"
        case "probe": "Probing"
        default: kind
        }
    }

    func attackTable(_ kind: String) -> ReportTable {
        var table = ReportTable([
            ReportTable.Column(title: "Method", alignment: .left),
            ReportTable.Column(title: "Variant", alignment: .left),
            ReportTable.Column(title: "Measure", alignment: .left), ReportTable.Column(title: "Before"),
            ReportTable.Column(title: "After"), ReportTable.Column(title: "Original"),
            ReportTable.Column(title: "Retain"),
            ReportTable.Column(title: "Retain after"), ReportTable.Column(title: "Recovered"),
            ReportTable.Column(title: "Retain recovered"),
        ])
        for attack in result.attacks where attack.attack == kind {
            // The aggregate runs to 100, everything else to 1.
            let decimals = attack.measure == "aggregate" ? 1 : 3
            table.add(
                label(attack.method), attack.variant, attack.measure, ReportNumber.fixed(attack.before, decimals),
                ReportNumber.fixed(attack.after, decimals), ReportNumber.fixed(attack.original, decimals),
                ReportNumber.fixed(attack.retain, decimals),
                ReportNumber.fixed(attack.retainAfter, decimals), ReportNumber.percent(attack.recovered),
                ReportNumber.percent(attack.retainRecovered), swatch: style(attack.method).swatch)
        }
        return table
    }

    var utilityTable: ReportTable? {
        guard !result.utility.isEmpty else { return nil }
        var table = ReportTable([
            ReportTable.Column(title: "Task", alignment: .left), ReportTable.Column(title: "Method", alignment: .left),
            ReportTable.Column(title: "Measure", alignment: .left), ReportTable.Column(title: "Items"),
            ReportTable.Column(title: "Score"), ReportTable.Column(title: "Original"),
            ReportTable.Column(title: "Change"),
        ])
        for item in result.utility {
            table.add(
                item.task, label(item.method), item.measure, "\(item.items)", ReportNumber.degree(item.score),
                ReportNumber.degree(item.original), ReportNumber.degree(item.score - item.original))
        }
        return table
    }

    /// Time and memory of a request by method, over all seeds.
    var requestTable: ReportTable? {
        var table = ReportTable(
            "Method", "Requests", "Median s", "90 % s", "Longest s", "Mean steps", "Peak MiB")
        for (method, style) in methods {
            let own = result.requests.filter { $0.method == method.name }
            guard !own.isEmpty else { continue }
            let seconds = own.map(\.seconds).sorted()
            table.add(
                method.label, "\(own.count)", ReportNumber.seconds(SampleSummary.quantile(0.5, ofSorted: seconds)),
                ReportNumber.seconds(SampleSummary.quantile(0.9, ofSorted: seconds)),
                ReportNumber.seconds(seconds.last ?? 0),
                ReportNumber.fixed(SampleSummary(own.map { Double($0.steps) }).mean, 1),
                ReportNumber.mebibytes(own.map(\.peakMemoryBytes).max() ?? 0), swatch: style.swatch)
        }
        return table.rows.isEmpty ? nil : table
    }

    /// Where the time goes by method, the mean seconds of each phase.
    var phaseTable: ReportTable? {
        let phases = Set(result.requests.flatMap(\.phaseSeconds.keys)).sorted()
        guard !phases.isEmpty else { return nil }
        var table = ReportTable(
            [ReportTable.Column(title: "Method", alignment: .left)]
                + phases.map { ReportTable.Column(title: $0 + " s") })
        for (method, style) in methods {
            let own = result.requests.filter { $0.method == method.name }
            guard !own.isEmpty else { continue }
            let cells = phases.map { phase in
                ReportNumber.fixed(SampleSummary(own.map { $0.phaseSeconds[phase] ?? 0 }).mean, 3)
            }
            table.add(cells: [method.label] + cells, swatch: style.swatch)
        }
        return table
    }

    /// What was run on what.
    var setupTable: ReportTable {
        var table = ReportTable([
            ReportTable.Column(title: "What", alignment: .left), ReportTable.Column(title: "Value", alignment: .left),
        ])
        let (model, data, machine) = (result.model, result.data, result.machine)
        table.add(
            "Model",
            "\(model.name), \(model.architecture), \(ReportNumber.count(model.parameters)) parameters, "
                + "\(model.layers) layers"
        )
        table.add("Model digest", model.digest)
        func categories(_ counts: [String: Int]) -> String {
            RequestCategory.allCases.compactMap { category in
                counts[category.rawValue].map { "\($0) \(category.rawValue)" }
            }.joined(separator: ", ")
        }
        table.add("Data", data.name)
        table.add(
            "To forget",
            "\(data.forgetTexts) texts (\(categories(data.forgetCategories))), \(data.forgetPairs) questions")
        table.add(
            "To keep", "\(data.retainTexts) texts (\(categories(data.retainCategories))), \(data.retainPairs) questions"
        )
        table.add("Data digest", data.digest)
        table.add("Seeds", result.seeds.map(String.init).joined(separator: ", "))
        for key in result.settings.keys.sorted() { table.add(key, result.settings[key] ?? "") }
        table.add(
            "Machine",
            "\(machine.processor), \(machine.threads) threads, \(machine.instructionSet), "
                + "\(ReportNumber.mebibytes(machine.memoryBytes)) MiB, \(machine.system)")
        table.add("Lethe", result.letheVersion)
        table.add("Finished", result.createdAt)
        table.add("Took", "\(ReportNumber.seconds(result.durationSeconds)) s")
        return table
    }

    /// The settings of each method.
    var methodTable: ReportTable {
        var table = ReportTable([
            ReportTable.Column(title: "Method", alignment: .left), ReportTable.Column(title: "Role", alignment: .left),
            ReportTable.Column(title: "Settings", alignment: .left),
        ])
        for (method, style) in methods {
            let settings = method.settings.keys.sorted().map { "\($0) \(method.settings[$0] ?? "")" }
            table.add(
                method.label, method.role.rawValue, settings.isEmpty ? "–" : settings.joined(separator: ", "),
                swatch: style.swatch)
        }
        return table
    }
}

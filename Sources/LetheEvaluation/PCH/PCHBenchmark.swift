import Foundation
import LetheCore
import LetheCorpus
import LetheModel
import LetheTensor
import LetheUnlearning

/// Runs the PCH benchmark: teaches the original and the retain model, lets each method delete the forget texts one by
/// one, and measures after every fifth of the stream (FIT, Xu et al., arXiv 2601.21682, with each text's questions kept
/// at its side).
///
/// Unfinished work lies in the output folder under `work`; the same plan goes on there. Not Sendable: one owner runs it.
public final class PCHBenchmark {
    /// What to do with a folder that holds unfinished work.
    public enum UnfinishedWork: Sendable {
        /// Go on with it; refuse when it belongs to another plan.
        case resume
        /// Remove it.
        case discard
    }

    private let plan: BenchmarkPlan
    private let base: LanguageModel
    private let encoder: (any TextEmbedder)?
    private let output: URL
    private let cache: URL
    private let version: String
    private let clock: any WallClock

    /// Prepares a run; nothing is read or written yet.
    /// - Parameters:
    ///   - base: the model before it is taught anything of the data.
    ///   - encoder: for the redundancy filter; nil: the original model's own hidden states.
    ///   - output: where result.json and the reports go.
    ///   - cache: where taught models are kept between runs.
    ///   - version: of this build, for the report.
    public init(
        plan: BenchmarkPlan, base: LanguageModel, encoder: (any TextEmbedder)? = nil, output: URL, cache: URL,
        version: String, clock: any WallClock = SystemClock()
    ) {
        self.plan = plan
        self.base = base
        self.encoder = encoder
        self.output = output
        self.cache = cache
        self.version = version
        self.clock = clock
    }

    /// Runs to the end, writes the report and removes the unfinished work.
    /// - Parameter progress: called often; throwing from it interrupts the run, which can be resumed.
    /// - Throws: `usage` or `bad_data` for a plan that cannot be run, `conflict` when the folder holds unfinished work
    ///   of another plan, and what the parts throw.
    public func run(
        _ unfinished: UnfinishedWork = .resume, progress: @escaping (BenchmarkProgress) throws -> Void = { _ in }
    ) throws -> EvaluationResult {
        let start = DispatchTime.now().uptimeNanoseconds
        try plan.validate()
        let baseDigest = try base.contentDigest()
        let work = try openWork(unfinished, baseDigest: baseDigest)
        let log = WorkLog(report: progress)
        let taught = TaughtModels(base: base, baseDigest: baseDigest, recipe: plan.recipe, cache: cache)
        let rows = try plan.rows
        try expectWork(log, rows, taught)

        let original = try teach(taught, plan.data.forget + plan.data.retain, "the original model", log)
        let retain = try teach(taught, plan.data.retain, "the retain model", log)
        var models = BenchmarkModels(
            original: original, retain: retain, embedder: encoder ?? HiddenStateEmbedder(original))
        var evaluator = plan.evaluator
        evaluator.measuresTruthRatio = true
        func measure(_ name: String, _ title: String, _ model: LanguageModel, order: [Int]? = nil) throws -> Measurement
        {
            try stored(Measurement.self, work, name, log, "evaluation") {
                try log.work("evaluation", "measuring \(title)") {
                    try Measurement(model, self.plan.data, order: order, evaluator: evaluator, progress: $0)
                }
            }
        }
        let references = References(
            data: plan.data, original: try measure("original", "the original model", original),
            retain: try measure("retain", "the retain model", retain))
        models.utility = try plan.utility.enumerated().map { index, task in
            try stored(Double.self, work, "utility-\(index)", log, "utility \(task.name)") {
                try log.work("utility \(task.name)", "original model: \(task.name)") {
                    try task.score(original, progress: $0)
                }
            }
        }

        // The controls' models are measured a second time and in another order: a measurement that depended on what it
        // is measured beside would not give the retain model 1.
        let order = PCHStream(count: plan.data.forget.count, seed: plan.seeds[0]).order
        var known: [String: Measurement] = [:]
        func unchanged(_ method: BenchmarkMethod) throws -> Measurement {
            if let measured = known[method.name] { return measured }
            let model = method.action == .keepOriginal ? original : retain
            let measured = try measure("control-\(method.name)", method.label, model, order: order)
            known[method.name] = measured
            return measured
        }
        func retrained(_ stream: PCHStream, _ count: Int) throws -> Measurement? {
            guard plan.retrains else { return nil }
            let remaining = stream.remaining(after: count).sorted()
            let name = "retrained-" + remaining.map(String.init).joined(separator: "-").digest
            if let measured = known[name] { return measured }
            let items = remaining.map { plan.data.forget[$0] } + plan.data.retain
            if !taught.isCached(items) { log.expect("teaching") }
            let model = try teach(taught, items, "a model without the \(count) deleted texts", log)
            log.expect("evaluation")
            let measured = try measure(name, "the retrained model", model)
            known[name] = measured
            return measured
        }

        var states: [String: [(seed: UInt64, state: StreamState)]] = [:]
        for seed in plan.seeds {
            for (index, row) in rows.enumerated() {
                let stream = try MethodStream(
                    plan: plan, method: row, seed: seed, models: models, references: references, log: log,
                    folder: work.appendingPathComponent("stream-\(index)-\(seed)", isDirectory: true),
                    retrained: retrained)
                try stream.run(unchanged: unchanged)
                states[row.name, default: []].append((seed, stream.state))
            }
        }
        var result = try assemble(rows, states, references, baseDigest: baseDigest)
        result.durationSeconds = WorkLog.seconds(since: start)
        try ReportWriter.write(result, to: output)
        try? FileManager.default.removeItem(at: work)
        return result
    }

    // MARK: Parts

    /// The folder of unfinished work, which belongs to this plan.
    private func openWork(_ unfinished: UnfinishedWork, baseDigest: String) throws -> URL {
        let manager = FileManager.default
        let work = output.appendingPathComponent("work", isDirectory: true)
        let file = work.appendingPathComponent("plan.json")
        let digest = try plan.digest(
            base: baseDigest, threads: Engine.threadCount, embedder: encoder?.identity ?? "hidden states")
        if unfinished == .discard { try? manager.removeItem(at: work) }
        if let found = try WorkDocument.read([String].self, from: file) {
            guard found == [digest] else {
                throw LetheError(
                    .conflict,
                    "the output folder holds unfinished work of another run; give another folder, or discard it")
            }
            return work
        }
        do {
            try? manager.removeItem(at: work)
            try manager.createDirectory(at: work, withIntermediateDirectories: true)
            try manager.createDirectory(at: cache, withIntermediateDirectories: true)
        } catch {
            throw LetheError(.ioError, "the output or the cache folder cannot be made")
        }
        try WorkDocument.write([digest], to: file)
        return work
    }

    private func expectWork(_ log: WorkLog, _ rows: [BenchmarkMethod], _ taught: TaughtModels) throws {
        for items in [plan.data.forget + plan.data.retain, plan.data.retain] where !taught.isCached(items) {
            log.expect("teaching")
        }
        log.expect("evaluation", 4)
        for task in plan.utility { log.expect("utility \(task.name)") }
        for seed in plan.seeds {
            for row in rows { MethodStream.expect(plan, row, isFirstSeed: seed == plan.seeds.first, log) }
        }
    }

    private func teach(
        _ taught: TaughtModels, _ items: [PCHItem], _ title: String, _ log: WorkLog
    ) throws -> LanguageModel {
        if taught.isCached(items) { return try taught.model(items) }
        return try log.work("teaching", "teaching \(title)") { progress in
            try taught.model(items) { try progress(Double($0.step) / Double(max(1, $0.steps))) }
        }
    }

    /// A value that was worked out earlier in this run, or now.
    private func stored<Value: Codable>(
        _ type: Value.Type, _ work: URL, _ name: String, _ log: WorkLog, _ kind: String, _ make: () throws -> Value
    ) throws -> Value {
        let file = work.appendingPathComponent("\(name).json")
        // In a list, because a number alone is no JSON document for every decoder.
        if let found = try WorkDocument.read([Value].self, from: file)?.first {
            log.skip(kind)
            return found
        }
        let value = try make()
        try WorkDocument.write([value], to: file)
        return value
    }

    private func assemble(
        _ rows: [BenchmarkMethod], _ states: [String: [(seed: UInt64, state: StreamState)]], _ references: References,
        baseDigest: String
    ) throws -> EvaluationResult {
        var dataDigest = ContentDigest()
        dataDigest.add(plan.data.contentBytes)
        func baseline(_ name: String, _ measured: Measurement) throws -> Baseline {
            guard let forget = measured.forget(plan.data.forget.indices),
                let retain = measured.retain(plan.data.retain.indices)
            else { throw LetheError(.internalError, "a measurement without texts") }
            return Baseline(name: name, forget: forget, retain: retain)
        }
        let all = rows.flatMap { states[$0.name] ?? [] }.map(\.state)
        var notes = plan.notes
        let checkpoints = all.flatMap(\.checkpoints)
        let empty = checkpoints.count { $0.reference.exact.forget == 0 || $0.reference.exact.retain == 0 }
        if empty > 0 {
            notes.append(
                "At \(empty) of \(checkpoints.count) checkpoints the retain model scores 0 on a side; every degree is 0 "
                    + "there by definition, the retain model's too.")
        }
        var settings = plan.settings
        settings["filter_vectors"] = encoder?.identity ?? "hidden states of the original model"
        return EvaluationResult(
            createdAt: Timestamp.string(clock.now()), letheVersion: version,
            model: ModelDescription(
                name: plan.modelName, architecture: base.configuration.modelType, parameters: base.parameterCount,
                layers: base.configuration.layerCount, digest: baseDigest),
            data: DataDescription(plan.data, name: plan.dataName, digest: dataDigest.hexadecimal),
            machine: .current, seeds: plan.seeds, settings: settings,
            baselines: [
                try baseline("original", references.original), try baseline("retain", references.retain),
            ],
            methods: rows.map { row in
                MethodResult(
                    name: row.name, label: row.label, role: row.role,
                    settings: row.settings(rateScale: plan.rateScale),
                    runs: (states[row.name] ?? []).map {
                        MethodResult.Run(seed: $0.seed, checkpoints: $0.state.checkpoints)
                    })
            },
            attacks: all.flatMap(\.attacks), utility: all.flatMap(\.utility), requests: all.flatMap(\.requests),
            notes: notes)
    }
}

extension String {
    /// A short name for a long one.
    fileprivate var digest: String {
        var digest = ContentDigest()
        digest.add(self)
        return String(digest.hexadecimal.prefix(16))
    }
}

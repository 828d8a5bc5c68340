import Foundation
import LetheCore
import LetheCorpus
import LetheModel
import LetheUnlearning

/// One method over one seed's stream: requests one by one, a checkpoint after every fifth, then the attacks.
///
/// Everything that is needed to go on is durable after a request, unless saving takes longer than the requests: then
/// at least as much time is spent on requests as on saving, and an interrupted run repeats the few that were not saved.
/// A run that was interrupted gives the same numbers as one that was not.
final class MethodStream {
    private let plan: BenchmarkPlan
    private let method: BenchmarkMethod
    private let seed: UInt64
    private let models: BenchmarkModels
    private let references: References
    private let log: WorkLog
    private let folder: StreamFolder
    private let stream: PCHStream
    private(set) var state: StreamState
    /// A deleted count to the model retrained without those texts.
    private let retrained: (PCHStream, Int) throws -> Measurement?

    init(
        plan: BenchmarkPlan, method: BenchmarkMethod, seed: UInt64, models: BenchmarkModels, references: References,
        log: WorkLog, folder: URL, retrained: @escaping (PCHStream, Int) throws -> Measurement?
    ) throws {
        self.plan = plan
        self.method = method
        self.seed = seed
        self.models = models
        self.references = references
        self.log = log
        self.folder = try StreamFolder(folder)
        self.retrained = retrained
        stream = PCHStream(count: plan.data.forget.count, seed: seed)
        state = try self.folder.read()
    }

    /// The kinds of work of a method, for the estimate of the time left.
    static func expect(_ plan: BenchmarkPlan, _ method: BenchmarkMethod, isFirstSeed: Bool, _ log: WorkLog) {
        if case .update = method.action {
            log.expect("request \(method.name)", plan.data.forget.count)
            log.expect("evaluation", PCHStream(count: plan.data.forget.count, seed: 0).checkpoints.count)
        }
        guard method.role == .method else { return }
        for attack in plan.attacks { log.expect("attack \(attack)") }
        if isFirstSeed { for task in plan.utility { log.expect("utility \(task.name)") } }
    }

    private var title: String { "\(method.name), seed \(seed)" }

    /// Runs to the end, or goes on where an earlier run was interrupted.
    /// - Parameter unchanged: the measurement of a control's model, which no request changes.
    func run(unchanged: (BenchmarkMethod) throws -> Measurement) throws {
        guard !state.isFinished else { return skipWork() }
        let model: LanguageModel
        switch method.action {
        case .keepOriginal, .keepRetain:
            model = method.action == .keepOriginal ? models.original : models.retain
            let measured = try unchanged(method)
            for count in stream.checkpoints { try add(count, measured) }
        case .update(let settings):
            model = try models.original.sharing(models.original.decoder.weights)
            try deleteAll(model, settings)
        }
        try attack(model)
        try measureUtility(model)
        state.isFinished = true
        try folder.write(state)
        folder.removeWeights(state)
    }

    // MARK: Requests

    private var keptIndices: Set<Int> { KeepSample.indices(plan.data.retain, share: plan.keepShare, seed: seed) }

    private func deleteAll(_ model: LanguageModel, _ preset: UnlearningSettings) throws {
        var settings = preset.scalingRate(by: plan.rateScale)
        settings.seed = seed
        settings.window = min(settings.window, model.configuration.maximumPositions)
        let memory = ForgetMemory(dimension: models.embedder.dimension)
        try folder.restore(state, into: model, memory)
        let kept = keptIndices.sorted().map { plan.data.retain[$0] }
        let unlearner = Unlearner(
            model: model, original: models.original, embedder: models.embedder, memory: memory,
            keep: TaughtModels.lessons(kept))
        log.skip("request \(method.name)", state.done)
        log.skip("evaluation", state.checkpoints.count)
        var changed: Set<Int> = []
        var vectors: [[Float]] = []
        var unsavedSeconds = 0.0
        var saveSeconds = 0.0
        if state.done > 0 { try measureIfDue(model) }
        while state.done < stream.order.count {
            let position = state.done + 1
            let item = plan.data.forget[stream.order[state.done]]
            let start = DispatchTime.now().uptimeNanoseconds
            let outcome = try log.work(
                "request \(method.name)", "\(title): request \(position) of \(stream.order.count)"
            ) { progress in
                ResidentMemory.resetPeak()
                let outcome = try unlearner.apply(request(item), settings: settings) {
                    try progress(Double($0.step) / Double(max(1, $0.steps)))
                }
                try memory.append(outcome.memoryVectors)
                return outcome
            }
            let seconds = WorkLog.seconds(since: start)
            state.requests.append(record(outcome.record, position, item, seconds))
            state.done = position
            changed.formUnion(outcome.changedLayers)
            vectors += outcome.memoryVectors
            unsavedSeconds += seconds
            let isCheckpoint = stream.checkpoints.contains(position)
            if isCheckpoint || unsavedSeconds >= saveSeconds {
                let start = DispatchTime.now().uptimeNanoseconds
                try folder.save(&state, model: model, changed: changed, vectors: vectors)
                saveSeconds = WorkLog.seconds(since: start)
                (changed, vectors, unsavedSeconds) = ([], [], 0)
            }
            if isCheckpoint { try measureIfDue(model) }
        }
    }

    private func request(_ item: PCHItem) -> ErasureRequest {
        let items = TaughtModels.lessons([item])
        return ErasureRequest(
            category: item.category, items: plan.requestItems == .text ? Array(items.prefix(1)) : items)
    }

    private func record(
        _ update: UnlearningRecord, _ position: Int, _ item: PCHItem, _ seconds: Double
    ) -> RequestRecord {
        let isEmpty = update.objective.isEmpty
        return RequestRecord(
            method: method.name, seed: seed, position: position, category: item.category.rawValue,
            steps: update.steps, seconds: seconds,
            phaseSeconds: Dictionary(update.seconds.map { ($0.phase, $0.seconds) }) { $0 + $1 },
            peakMemoryBytes: ResidentMemory.peakBytes, objective: isEmpty ? nil : update.objective,
            nllBefore: isEmpty ? nil : update.before.nll, nllAfter: isEmpty ? nil : update.after.nll,
            targetNLL: update.targetNLL, reachedTarget: update.targetNLL == nil ? nil : update.reachedTarget)
    }

    // MARK: Checkpoints

    /// Measures the model when a checkpoint has been reached whose result is not there yet.
    private func measureIfDue(_ model: LanguageModel) throws {
        guard stream.checkpoints.contains(state.done), state.checkpoints.last?.deleted != state.done else { return }
        var evaluator = plan.evaluator
        evaluator.measuresTruthRatio = state.done == stream.order.count
        let measured = try log.work("evaluation", "\(title): evaluation after \(state.done)") { progress in
            try Measurement(model, plan.data, evaluator: evaluator, progress: progress)
        }
        try add(state.done, measured)
        try folder.write(state)
    }

    private func add(_ count: Int, _ measured: Measurement) throws {
        guard !state.checkpoints.contains(where: { $0.deleted == count }) else { return }
        var kept: Set<Int>?
        if case .update = method.action, plan.keepShare > 0 { kept = keptIndices }
        state.checkpoints.append(
            try references.checkpoint(
                stream, deleted: count, measured: measured, kept: kept, retrained: retrained(stream, count)))
    }

    // MARK: After the stream

    private func attack(_ model: LanguageModel) throws {
        guard !plan.attacks.isEmpty else { return }
        if !state.finishedAttacks.contains("membership"), let last = state.checkpoints.last {
            // The texts to keep are what members look like; a deleted text should not look like one. A collapsed model
            // has no likelihoods that could be compared.
            if last.forget.meanNLL.isFinite, last.retain.meanNLL.isFinite {
                state.checkpoints[state.checkpoints.count - 1].forget.membership = try MembershipEvaluation.run(
                    model: model, reference: models.original, members: plan.data.retain, nonMembers: plan.data.forget,
                    seed: seed)
            }
            state.finishedAttacks.append("membership")
            try folder.write(state)
        }
        guard method.role == .method else { return }
        let subject = AttackSubject(
            method: method.name, seed: seed, unlearned: model, original: models.original, retain: models.retain,
            deleted: plan.data.forget, kept: plan.data.retain)
        for name in plan.attacks {
            if state.finishedAttacks.contains(name) {
                log.skip("attack \(name)")
                continue
            }
            let attack = try RecoveryAttacks.named(name, settings: plan.attackSettings)
            state.attacks += try log.work("attack \(name)", "\(title): attack \(name)") { progress in
                try attack.run(subject) { _, share in try progress(share) }
            }
            state.finishedAttacks.append(name)
            try folder.write(state)
        }
    }

    private func measureUtility(_ model: LanguageModel) throws {
        guard method.role == .method, seed == plan.seeds.first else { return }
        log.skipFinished(plan.utility.prefix(state.finishedTasks).map { "utility \($0.name)" })
        for (index, task) in plan.utility.enumerated().dropFirst(state.finishedTasks) {
            let score = try log.work("utility \(task.name)", "\(title): \(task.name)") { progress in
                try task.score(model, progress: progress)
            }
            state.utility.append(task.result(method: method.name, score: score, original: models.utility[index]))
            state.finishedTasks = index + 1
            try folder.write(state)
        }
    }

    private func skipWork() {
        if case .update = method.action {
            log.skip("request \(method.name)", stream.order.count)
            log.skip("evaluation", stream.checkpoints.count)
        }
        guard method.role == .method else { return }
        log.skipFinished(plan.attacks.map { "attack \($0)" })
        if seed == plan.seeds.first { log.skipFinished(plan.utility.map { "utility \($0.name)" }) }
    }
}

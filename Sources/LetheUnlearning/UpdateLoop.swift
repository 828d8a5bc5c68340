import LetheCore
import LetheModel
import LetheTensor

/// The steps of one request, as many as its items need to be at their target.
final class UpdateLoop {
    private let model: LanguageModel
    private let original: LanguageModel
    private let settings: UnlearningSettings
    private let sequences: [TrainingSequence]
    /// Nats, one for each sequence; empty without a stop rule.
    private let targets: [Double]
    private let losses: StepLosses
    private let held: HeldTexts
    /// What the model says of the sequences before the first step.
    private let before: BatchStatistics
    /// Share of the way from the first level to the target that the active items still have to go.
    private var remaining = 1.0
    private var firstGap: Double?
    /// Sequences that were at their target when they were last looked at. Steps leave them out until all are.
    private var atTarget: Set<Int> = []
    /// Whether steps are taken at rounded weights.
    private var isRounded = false
    /// Each sequence's mean nll when it was last looked at.
    private var latestNLL: [Double] = []

    /// The smallest share of the learning rate that a step near the target takes.
    private static let leastRate = 0.2
    /// Share of the way from what was known to the target that rounding may bring back.
    private static let roundedTolerance = 0.1
    /// Keep texts of which the record says what the update did to them.
    private static let checkedTexts = 16
    /// Steps over which the learning rate rises to its peak.
    private static let warmUpSteps = 4

    /// - Parameters:
    ///   - levels: nats at which each sequence is no better known than one that was never seen; empty where there is no
    ///     stop rule.
    ///   - held: used with a natural gradient only.
    init(
        model: LanguageModel, original: LanguageModel, settings: UnlearningSettings, sequences: [TrainingSequence],
        levels: [Double], losses: StepLosses, held: HeldTexts, before: BatchStatistics
    ) {
        self.model = model
        self.original = original
        self.settings = settings
        self.sequences = sequences
        targets = settings.stopsAtTarget ? levels : []
        self.losses = losses
        self.held = held
        self.before = before
        latestNLL = sequences.indices.map(before.meanNLL)
    }

    func run(layers: [Int], record: inout UnlearningRecord, progress: (Unlearner.Progress) throws -> Void) throws {
        let parameters = try TrainableParameters(
            model.decoder, scope: .matrices(layers: layers), sharesGradients: true)
        let pass = TrainingPass(model.decoder, parameters: parameters)
        pass.reference = original.decoder
        let checked = try losses.drawChecked(Self.checkedTexts)
        record.before = UnlearningRecord.Level(before)
        if !checked.isEmpty { record.keepBefore = try UnlearningRecord.Level(pass.statistics(checked)) }
        record.targetNLL = targets.mean

        pass.detachesSink = settings.detachesSink
        try takeSteps(pass, parameters, &record, progress)
        pass.detachesSink = false
        isRounded = false
        record.alreadyForgotten = record.steps == 0
        if !record.alreadyForgotten { try repair(pass, parameters, record, progress) }

        let after = record.alreadyForgotten ? before : try pass.statistics(sequences)
        record.after = UnlearningRecord.Level(after)
        record.targets = targets
        record.afterNLL = sequences.indices.map { after.meanNLL($0) }
        record.keepAfter = record.keepBefore
        if !checked.isEmpty && !record.alreadyForgotten {
            record.keepAfter = try UnlearningRecord.Level(pass.statistics(checked))
        }
        if !targets.isEmpty && !record.reachedTarget { record.reachedTarget = active(after, sequences.indices).isEmpty }
    }

    /// Steps until the items are at their target, or as many as there may be.
    private func takeSteps(
        _ pass: TrainingPass, _ parameters: TrainableParameters, _ record: inout UnlearningRecord,
        _ progress: (Unlearner.Progress) throws -> Void
    ) throws {
        let rule = try stepRule(pass, parameters)
        // Gradients are taken at the weights as they are, then at the rounded ones. An item is done when it is at its
        // target at both.
        var placesAtTarget = 0
        // The levels before the latest step, if that was taken where the next one would be.
        var latestStep: [Double]?
        let batches = settings.stepsPerWindow ? sequences.indices.map { [$0] } : [Array(sequences.indices)]
        let limit = settings.epochs * batches.count
        let schedule = LearningRateSchedule(peak: settings.learningRate, steps: limit)
        for _ in 0..<settings.epochs {
            for batch in batches {
                let taken = record.steps
                rule.begin()
                let format = isRounded ? settings.rounding : nil
                let place = try format.map { try pass.rounded(model, to: $0) } ?? pass
                let fall = try takeStep(batch, place, parameters, &record) { forgetNLL, keepNLL in
                    try progress(
                        Unlearner.Progress(
                            phase: "training", step: taken, steps: limit, forgetNLL: forgetNLL, keepNLL: keepNLL))
                } update: { layer in
                    let rate: Double
                    if settings.optimizer.followsLoss {
                        rate = settings.learningRate
                    } else if targets.isEmpty {
                        rate = schedule.rate(taken)
                    } else {
                        // With a stop rule the number of steps is not known beforehand: the rate rises over the first
                        // ones, whose moments know one gradient only, and then falls with what is left of the way to
                        // the target, so that the last steps do not overshoot. The slope of a bounded loss falls by itself.
                        let warmUp = min(1, Double(taken + 1) / Double(Self.warmUpSteps))
                        let slowDown = losses.isBounded ? 1 : max(Self.leastRate, remaining)
                        rate = settings.learningRate * min(warmUp, slowDown)
                    }
                    try rule.visit(layer, learningRate: rate)
                }
                guard let fall else {
                    try land(rule, latestStep)
                    latestStep = nil
                    placesAtTarget += 1
                    if settings.rounding == nil || placesAtTarget == 2 {
                        record.reachedTarget = true
                        return
                    }
                    isRounded.toggle()
                    atTarget = []
                    continue
                }
                placesAtTarget = 0
                latestStep = latestNLL
                try rule.finish(fall: fall)
                record.steps += 1
            }
        }
    }

    /// Takes back what the latest step of a natural gradient went too far. A step goes half of the way that is left to
    /// first order, and so often well beyond the level: an item that is less well known than a text that was never seen
    /// can be told from one. As far as the levels moved evenly, the items that the step was taken for end at their targets.
    /// - Parameter before: the levels before that step; nil when there was none.
    private func land(_ rule: any StepRule, _ before: [Double]?) throws {
        guard let rule = rule as? NaturalGradient, let before, !targets.isEmpty else { return }
        let shares = sequences.indices.map { index in
            let way = latestNLL[index] - before[index]
            return way > 0 ? (targets[index] - tolerance(index) - before[index]) / way : 0
        }
        let share = min(1, max(0, shares.max() ?? 1))
        try rule.takeBack(1 - share)
    }

    /// Forward and backward of one step, which updates each layer as soon as its gradients are complete: they are never
    /// all held at once. Gives what the forget loss can fall by, 0 for objectives that do not tell it; nil when every item
    /// is at its target, and nothing was left to do.
    private func takeStep(
        _ batch: [Int], _ pass: TrainingPass, _ parameters: TrainableParameters, _ record: inout UnlearningRecord,
        report: (_ forgetNLL: Double, _ keepNLL: Double?) throws -> Void, update: (_ layer: Int) throws -> Void
    ) throws -> Double? {
        func takeStep(on chosen: [Int]) throws -> Double? {
            try self.takeStep(
                on: chosen, pass, parameters, &record, report: { try report(meanNLL(of: batch), $0) }, update: update)
        }
        let chosen = batch.filter { !atTarget.contains($0) }
        let fall = try takeStep(on: chosen)
        guard fall == nil, chosen.count < batch.count else { return fall }
        // Those that were left out may have been moved since.
        atTarget.subtract(batch)
        return try takeStep(on: batch)
    }

    /// The same, of just the sequences that are given.
    private func takeStep(
        on chosen: [Int], _ pass: TrainingPass, _ parameters: TrainableParameters, _ record: inout UnlearningRecord,
        report: (_ keepNLL: Double?) throws -> Void, update: (_ layer: Int) throws -> Void
    ) throws -> Double? {
        parameters.clearGradients()
        let batch = losses.batch(chosen, step: record.steps)
        var isDone = false
        var meanWeight = 0.0
        var fall = 0.0
        let statistics = try pass.run(batch.sequences) { statistics in
            for (position, index) in chosen.enumerated() { latestNLL[index] = statistics.meanNLL(position) }
            try report(batch.keep.isEmpty ? nil : statistics.meanNLL(of: batch.keepRange))
            let active = active(statistics, chosen.indices, chosen)
            if !targets.isEmpty { atTarget.formUnion(Set(chosen).subtracting(active.map { chosen[$0] })) }
            isDone = active.isEmpty && !targets.isEmpty
            if isDone { return Array(repeating: .none, count: batch.sequences.count) }
            let live = targets.isEmpty ? Array(chosen.indices) : active
            if !targets.isEmpty {
                let gap = live.reduce(0) { $0 + targets[chosen[$1]] - statistics.meanNLL($1) } / Double(live.count)
                remaining = min(1, gap / (firstGap ?? gap))
                firstGap = firstGap ?? gap
            }
            let losses = try losses.losses(batch, statistics, training: live)
            (meanWeight, fall) = (losses.meanWeight, losses.fall)
            return losses.sequences
        } didVisit: { layer in
            try update(layer)
            parameters.gradients(layer)?.clear()
        }
        if !isDone { losses.didTakeStep(batch, statistics) }
        if record.steps == 0 { record.meanWeight = meanWeight }
        return isDone ? nil : fall
    }

    /// After the steps of a natural gradient brings back what they have moved.
    private func repair(
        _ pass: TrainingPass, _ parameters: TrainableParameters, _ record: UnlearningRecord,
        _ progress: (Unlearner.Progress) throws -> Void
    ) throws {
        guard case .naturalGradient(let optimizer) = settings.optimizer, settings.repairTokens > 0 else { return }
        try held.repair(pass, parameters, optimizer, tokens: settings.repairTokens) { keepNLL in
            try progress(
                Unlearner.Progress(
                    phase: "training", step: record.steps, steps: settings.epochs, forgetNLL: nil, keepNLL: keepNLL))
        }
    }

    /// Over the tokens of some sequences, when they were last looked at.
    private func meanNLL(of batch: [Int]) -> Double {
        let counts = batch.map { sequences[$0].targetCount }
        return zip(batch, counts).reduce(0) { $0 + latestNLL[$1.0] * Double($1.1) }
            / Double(max(1, counts.reduce(0, +)))
    }

    /// Nats by which a sequence may miss its target. A rounded model may be up to a tenth of the way better informed:
    /// steps that small vanish in the rounding, and would go on and on.
    private func tolerance(_ index: Int) -> Double {
        guard isRounded else { return settings.stopTolerance }
        return max(settings.stopTolerance, Self.roundedTolerance * (targets[index] - before.meanNLL(index)))
    }

    /// The positions, within the step's batch, of sequences that are still better known than their target.
    private func active(_ statistics: BatchStatistics, _ positions: Range<Int>, _ chosen: [Int]? = nil) -> [Int] {
        guard !targets.isEmpty else { return [] }
        return positions.filter { position in
            let index = chosen?[position] ?? position
            return statistics.meanNLL(position) < targets[index] - tolerance(index)
        }
    }

    private func stepRule(_ pass: TrainingPass, _ parameters: TrainableParameters) throws -> any StepRule {
        switch settings.optimizer {
        case .adamW(let optimizer): AdamW(parameters, settings: optimizer)
        case .naturalGradient(let optimizer):
            try held.steps(pass, parameters, optimizer, isLast: settings.repairTokens == 0)
        }
    }
}

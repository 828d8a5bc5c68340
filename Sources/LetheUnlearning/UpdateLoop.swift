import Foundation
import LetheCore
import LetheModel
import LetheTensor

/// The steps of one request: objective, keep term, token weights, optimiser and stop rule.
final class UpdateLoop {
    private let model: LanguageModel
    private let original: LanguageModel
    private let objective: any ForgetObjective
    private let keepTerm: KeepTerm
    private let settings: UnlearningSettings
    private let sequences: [TrainingSequence]
    /// One for each sequence; empty where neither the stop rule nor the objective asks for it.
    private let neverSeen: [NeverSeenReference]
    /// Texts of the items' form, one list for each sibling; empty where the objective does not ask for siblings.
    private let neighbours: [[NeverSeenReference.Neighbour]]
    /// Nats, one for each sequence; empty without a stop rule.
    private let targets: [Double]
    private let corpus: [TrainingSequence]
    /// Siblings, which a natural gradient leaves as they are.
    private let held: HeldTexts
    /// What the original recites and answers in the items' form and in those of some keep texts, which a natural gradient
    /// leaves as it is and repairs.
    private let rehearsed: [RememberedText]
    /// What the original says of keep texts.
    private let keepNLL: RememberedNLL
    /// What the model says of the sequences before the first step.
    private let before: BatchStatistics
    private var generator: SeededGenerator
    /// Draws keep texts to hold and to repair; its seed depends on the items, so that requests draw different ones.
    private var keepGenerator: SeededGenerator
    private var referenceNLL: [[Float]] = []
    private var referenceStates: [ReferenceStates: Matrix] = [:]
    /// One for each sequence; empty unless the objective asks for them.
    private var refusals: [TrainingSequence] = []
    private var refusalReferenceNLL: [[Float]] = []
    /// The weight of the keep term where that is a constraint.
    private var dual: DualVariable?
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
    /// Tokens of keep texts that a natural gradient holds where they are, beside what was rehearsed.
    private static let heldKeepTokens = 4096
    /// Tokens of what is held that say which changes of an output matter.
    private static let answerTokens = 4096
    /// Tokens of keep texts that are looked at after the steps, beside what was rehearsed: have they been moved?
    private static let checkedKeepTokens = 2048
    /// Tokens of siblings that it holds.
    private static let heldSiblingTokens = 4096
    /// Steps over which the learning rate rises to its peak.
    private static let warmUpSteps = 4

    init(
        model: LanguageModel, original: LanguageModel, objective: any ForgetObjective, keepTerm: KeepTerm,
        settings: UnlearningSettings, sequences: [TrainingSequence], neverSeen: [NeverSeenReference],
        neighbours: [[NeverSeenReference.Neighbour]], corpus: [TrainingSequence], siblings: [TrainingSequence],
        rehearsed: [RememberedText], keepNLL: RememberedNLL, before: BatchStatistics
    ) {
        self.model = model
        self.original = original
        self.objective = objective
        self.keepTerm = keepTerm
        self.settings = settings
        self.sequences = sequences
        self.neverSeen = neverSeen
        self.neighbours = neighbours
        targets = settings.stopsAtTarget ? neverSeen.map(\.level) : []
        self.corpus = corpus
        let heldSiblings = siblings.first(siblings.indices, tokens: Self.heldSiblingTokens)
        held = HeldTexts(model, siblings: heldSiblings.map { siblings[$0].ids })
        self.rehearsed = rehearsed
        self.keepNLL = keepNLL
        self.before = before
        generator = SeededGenerator(seed: settings.seed)
        keepGenerator = SeededGenerator(seed: Self.seed(settings.seed, sequences))
        latestNLL = sequences.indices.map(before.meanNLL)
    }

    func run(layers: [Int], record: inout UnlearningRecord, progress: (Unlearner.Progress) throws -> Void) throws {
        let parameters = try TrainableParameters(
            model.decoder, scope: .matrices(layers: layers), sharesGradients: true)
        let pass = TrainingPass(model.decoder, parameters: parameters)
        pass.reference = original.decoder
        if objective.needsReference { referenceNLL = try original.nll(of: sequences) }
        if objective.needsRefusals {
            refusals = try sequences.map {
                try Refusals.sequence(for: $0, model: model, generator: &generator)
            }
            refusalReferenceNLL = try original.nll(of: refusals)
        }
        let checked = corpus.isEmpty ? [] : drawKeep(min(corpus.count, 16)).map { corpus[$0] }
        record.before = UnlearningRecord.Level(before)
        if !checked.isEmpty { record.keepBefore = try UnlearningRecord.Level(pass.statistics(checked)) }

        if keepTerm == .pdu {
            let level = try original.nll(of: checked).joined().mean ?? 0
            dual = DualVariable(value: settings.keepWeight, epsilon: (1 + DualVariable.slack) * level)
        }
        record.targetNLL = targets.mean

        try takeSteps(pass, parameters, &record, progress)
        isRounded = false
        record.alreadyForgotten = record.steps == 0
        if !record.alreadyForgotten { try repairKeepTexts(pass, parameters, record, progress) }

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
                        let slowDown = objective.isBounded ? 1 : max(Self.leastRate, remaining)
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
        let keep = keepTerm == .none ? [] : drawKeep(settings.keepSequences)
        let batch = chosen.map { index in
            var sequence = sequences[index]
            if objective.usesRandomLabels { sequence.drawnLabels = randomLabels(sequence) }
            return sequence
        }
        let answers = refusals.isEmpty ? [] : chosen.map { refusals[$0] }
        let keepRange = chosen.count..<chosen.count + keep.count
        let near = neighbours.isEmpty ? [] : neighbours[record.steps % neighbours.count]
        let nearTokens = Float(max(1, near.reduce(0) { $0 + $1.sequence.targetCount }))
        let nearLosses = near.map { neighbour in
            SequenceLoss.distributions(
                neighbour.predictions,
                coefficients: neighbour.sequence.atTargetRows(
                    neighbour.sequence.targetRows.map { _ in Float(settings.neighbourWeight) / nearTokens }),
                targetCoefficients: [])
        }
        var isDone = false
        var meanWeight = 0.0
        var fall = 0.0
        let statistics = try pass.run(batch + keep.map { corpus[$0] } + answers + near.map(\.sequence)) { statistics in
            for (position, index) in chosen.enumerated() { latestNLL[index] = statistics.meanNLL(position) }
            try report(keep.isEmpty ? nil : statistics.meanNLL(of: keepRange))
            let active = active(statistics, chosen.indices, chosen)
            if !targets.isEmpty { atTarget.formUnion(Set(chosen).subtracting(active.map { chosen[$0] })) }
            isDone = active.isEmpty && !targets.isEmpty
            if isDone { return Array(repeating: .none, count: chosen.count + keep.count + answers.count + near.count) }
            let live = targets.isEmpty ? Array(chosen.indices) : active
            if !targets.isEmpty {
                let gap = live.reduce(0) { $0 + targets[chosen[$1]] - statistics.meanNLL($1) } / Double(live.count)
                remaining = min(1, gap / (firstGap ?? gap))
                firstGap = firstGap ?? gap
            }
            let firstRefusal = answers.isEmpty ? nil : keepRange.upperBound
            let forget = try forgetLosses(statistics, chosen, live, firstRefusal: firstRefusal)
            (meanWeight, fall) = (forget.meanWeight, forget.fall)
            return try forget.items + keepLosses(keep, nll: Array(statistics.nll[keepRange])) + forget.refusals
                + nearLosses
        } didVisit: { layer in
            try update(layer)
            parameters.gradients(layer)?.clear()
        }
        if !isDone && !keep.isEmpty { dual?.update(loss: statistics.meanNLL(of: keepRange)) }
        if record.steps == 0 { record.meanWeight = meanWeight }
        return isDone ? nil : fall
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

    /// The losses of a step's forget items.
    private struct ForgetLosses {
        /// One for each chosen item.
        var items: [SequenceLoss]
        /// One for each refusal.
        var refusals: [SequenceLoss]
        /// The mean of the token weights before they are normalised.
        var meanWeight: Double
        /// See ``ForgetLoss/fall``; 0 for objectives that do not tell it.
        var fall = 0.0
    }

    /// The losses of the step's items, and those of their refusals, whose statistics begin at `firstRefusal`.
    private func forgetLosses(
        _ statistics: BatchStatistics, _ chosen: [Int], _ live: [Int], firstRefusal: Int?
    ) throws -> ForgetLosses {
        var input = ForgetInput(
            sequences: live.map { sequences[chosen[$0]] }, nll: live.map { statistics.nll[$0] })
        if objective.needsReference { input.referenceNLL = live.map { referenceNLL[chosen[$0]] } }
        if objective.needsReferenceStates {
            input.referenceStates = try live.map { try referenceState(sequences[chosen[$0]], throughLayer: nil) }
        }
        if objective.needsCounterfactuals {
            input.counterfactuals = live.map { neverSeen[chosen[$0]].counterfactual }
        }
        input.weights = input.nll.indices.map {
            settings.reweighting.weights(input.nll[$0], importance: input.sequences[$0].importance)
        }
        let count = Double(max(1, input.tokenCount))
        let meanWeight = input.weights.reduce(0) { $0 + $1.reduce(0) { $0 + Double($1) } } / count
        if settings.normalizesWeights && meanWeight > 0 {
            let factor = Float(1 / meanWeight)
            input.weights = input.weights.map { $0.map { $0 * factor } }
        }
        if let firstRefusal {
            let nll = live.map { statistics.nll[firstRefusal + $0] }
            input.sequences += live.map { refusals[chosen[$0]] }
            input.nll += nll
            input.referenceNLL += live.map { refusalReferenceNLL[chosen[$0]] }
            input.weights += nll.map { $0.map { _ in 1 } }
        }
        if objective.needsLevels { input.levels = live.map { neverSeen[chosen[$0]].tokenLevels } }
        var fall = 0.0
        let losses: [SequenceLoss]
        if let objective = objective as? any TokenObjective {
            let loss = objective.evaluate(input)
            fall = loss.fall
            losses = zip(input.sequences, loss.coefficients).map { $0.crossEntropy($1) }
        } else {
            losses = try objective.losses(input)
        }
        var items = [SequenceLoss](repeating: .none, count: chosen.count)
        var answers = [SequenceLoss](repeating: .none, count: firstRefusal == nil ? 0 : chosen.count)
        for (place, position) in live.enumerated() {
            items[position] = losses[place]
            if firstRefusal != nil { answers[position] = losses[live.count + place] }
        }
        return ForgetLosses(items: items, refusals: answers, meanWeight: meanWeight, fall: fall)
    }

    private func keepLosses(_ keep: [Int], nll: [[Float]]) throws -> [SequenceLoss] {
        let layer =
            objective.lastLayer
            ?? RepresentationMisdirection.defaultLayer(layerCount: model.configuration.layerCount)
        return try keepTerm.losses(
            keep.map { corpus[$0] }, nll: nll, weight: dual?.value ?? settings.keepWeight, layer: layer
        ) { place, layer in
            try referenceState(corpus[keep[place]], throughLayer: layer)
        }
    }

    /// After the steps of a natural gradient brings some keep texts, and what was rehearsed, back to where the original
    /// has them, and holds the items and their siblings where they are now.
    private func repairKeepTexts(
        _ pass: TrainingPass, _ parameters: TrainableParameters, _ record: UnlearningRecord,
        _ progress: (Unlearner.Progress) throws -> Void
    ) throws {
        guard case .naturalGradient(let optimizer) = settings.optimizer, settings.repairTokens > 0 else { return }
        let kept = try keepNLL.texts(drawKeep(tokens: Self.checkedKeepTokens).map { corpus[$0] })
        guard !rehearsed.isEmpty || !kept.isEmpty else { return }
        let repair = KeepRepair(pass: pass, parameters: parameters)
        try repair.run(recited: rehearsed, kept: kept, tokens: settings.repairTokens) {
            try held.naturalGradient(
                pass, parameters, optimizer, beside: sequences, answers: Array(sequences.indices), isLast: true)
        } progress: { keepNLL in
            try progress(
                Unlearner.Progress(
                    phase: "training", step: record.steps, steps: settings.epochs, forgetNLL: nil, keepNLL: keepNLL))
        }
    }

    private func stepRule(_ pass: TrainingPass, _ parameters: TrainableParameters) throws -> any StepRule {
        switch settings.optimizer {
        case .adamW(let optimizer): return AdamW(parameters, settings: optimizer)
        case .naturalGradient(let optimizer):
            let texts = rehearsed.map(\.sequence) + drawKeep(tokens: Self.heldKeepTokens).map { corpus[$0] }
            return try held.naturalGradient(
                pass, parameters, optimizer, beside: texts, answers: Self.answers(texts, tokens: Self.answerTokens),
                isLast: settings.repairTokens == 0)
        }
    }

    /// The places of what follows a prompt, the last first, up to a number of tokens; where nothing does, of any text.
    private static func answers(_ texts: [TrainingSequence], tokens: Int) -> [Int] {
        let answers = texts.indices.filter { texts[$0].firstTarget > 1 }
        return texts.first((answers.isEmpty ? Array(texts.indices) : answers).reversed(), tokens: tokens)
    }

    /// A seed of a request's own: FNV-1a over its tokens.
    static func seed(_ seed: UInt64, _ sequences: [TrainingSequence]) -> UInt64 {
        sequences.flatMap(\.ids).reduce(seed) { ($0 ^ UInt64(UInt32(bitPattern: $1))) &* 0x0000_0100_0000_01B3 }
    }

    /// Keep texts in random order, up to a number of tokens; each request has an order of its own.
    private func drawKeep(tokens: Int) -> [Int] {
        var order = Array(corpus.indices)
        keepGenerator.shuffle(&order)
        return corpus.first(order, tokens: tokens)
    }

    private struct ReferenceStates: Hashable {
        let sequence: TrainingSequence
        let layer: Int?
    }

    /// The reference model's states of a sequence, made once a request: the output of a layer, nil: the last.
    private func referenceState(_ sequence: TrainingSequence, throughLayer layer: Int?) throws -> Matrix {
        let key = ReferenceStates(sequence: sequence, layer: layer)
        if let state = referenceStates[key] { return state }
        let state = try original.states(of: sequence, throughLayer: layer)
        referenceStates[key] = state
        return state
    }

    private func drawKeep(_ count: Int) -> [Int] {
        guard !corpus.isEmpty else { return [] }
        return (0..<count).map { _ in generator.nextInt(below: corpus.count) }
    }

    private func randomLabels(_ sequence: TrainingSequence) -> [Int32] {
        sequence.ids.dropFirst().map { _ in
            Int32(generator.nextInt(below: model.configuration.vocabularySize))
        }
    }
}

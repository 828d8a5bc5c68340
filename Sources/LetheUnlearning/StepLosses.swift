import LetheCore
import LetheModel
import LetheTensor

/// What the steps of a request go down: the loss of its items, with those of keep texts and of siblings beside it.
///
/// What the items are compared with - predictions and states of the original, refusals - is made once a request.
final class StepLosses {
    /// What one step runs, in this order: items, keep texts, refusals, siblings.
    struct Batch {
        /// Places of the items.
        let items: [Int]
        /// Places of the keep texts.
        let keep: [Int]
        /// Siblings whose predictions are held.
        let neighbours: [NeverSeenReference.Neighbour]
        /// All of them.
        let sequences: [TrainingSequence]

        /// Where the keep texts are among the sequences.
        var keepRange: Range<Int> { items.count..<items.count + keep.count }
        /// Where the refusals are, one for each item or none.
        var refusalRange: Range<Int> { keepRange.upperBound..<sequences.count - neighbours.count }
    }

    /// The losses of a batch.
    struct Losses {
        /// One for each sequence.
        var sequences: [SequenceLoss]
        /// The mean of the items' token weights before they are normalised.
        var meanWeight: Double
        /// See ``ForgetLoss/fall``; 0 for objectives that do not tell it.
        var fall: Double
    }

    /// Whether the slope of the items' loss falls by itself.
    var isBounded: Bool { objective.isBounded }

    private let original: LanguageModel
    private let objective: any ForgetObjective
    private let keepTerm: KeepTerm
    private let settings: UnlearningSettings
    private let sequences: [TrainingSequence]
    /// One for each sequence; empty where neither the stop rule nor the objective asks for it.
    private let neverSeen: [NeverSeenReference]
    /// Texts of the items' form, one list for each sibling; empty where the objective does not ask for siblings.
    private let neighbours: [[NeverSeenReference.Neighbour]]
    private let corpus: [TrainingSequence]
    private let referenceNLL: [[Float]]
    private var referenceStates: [ReferenceStates: Matrix] = [:]
    /// One for each sequence; empty unless the objective asks for them.
    private let refusals: [TrainingSequence]
    private let refusalReferenceNLL: [[Float]]
    /// The weight of the keep term where that is a constraint.
    private var dual: DualVariable?
    private var generator: SeededGenerator

    init(
        objective: any ForgetObjective, keepTerm: KeepTerm, settings: UnlearningSettings, original: LanguageModel,
        sequences: [TrainingSequence], neverSeen: [NeverSeenReference],
        neighbours: [[NeverSeenReference.Neighbour]], corpus: [TrainingSequence]
    ) throws {
        self.objective = objective
        self.keepTerm = keepTerm
        self.settings = settings
        self.original = original
        self.sequences = sequences
        self.neverSeen = neverSeen
        self.neighbours = neighbours
        self.corpus = corpus
        var generator = SeededGenerator(seed: settings.seed)
        referenceNLL = objective.needsReference ? try original.nll(of: sequences) : []
        refusals =
            objective.needsRefusals
            ? try sequences.map { try Refusals.sequence(for: $0, model: original, generator: &generator) } : []
        refusalReferenceNLL = refusals.isEmpty ? [] : try original.nll(of: refusals)
        self.generator = generator
    }

    /// Some keep texts at random, which say what the update does to them.
    /// - Throws: as ``LanguageModel/nll(of:)``.
    func drawChecked(_ count: Int) throws -> [TrainingSequence] {
        let checked = drawKeep(min(corpus.count, count)).map { corpus[$0] }
        if keepTerm == .pdu {
            let level = try original.nll(of: checked).joined().mean ?? 0
            dual = DualVariable(value: settings.keepWeight, epsilon: (1 + DualVariable.slack) * level)
        }
        return checked
    }

    /// What a step runs for some items.
    func batch(_ items: [Int], step: Int) -> Batch {
        let keep = keepTerm == .none ? [] : drawKeep(settings.keepSequences)
        let own = items.map { index in
            var sequence = sequences[index]
            if objective.usesRandomLabels { sequence.drawnLabels = randomLabels(sequence) }
            return sequence
        }
        let near = neighbours.isEmpty ? [] : neighbours[step % neighbours.count]
        let answers = refusals.isEmpty ? [] : items.map { refusals[$0] }
        return Batch(
            items: items, keep: keep, neighbours: near,
            sequences: own + keep.map { corpus[$0] } + answers + near.map(\.sequence))
    }

    /// The losses of a batch in which some of the items, by their places in it, are trained.
    /// - Throws: as ``LanguageModel/states(of:throughLayer:)``, what the objective throws.
    func losses(_ batch: Batch, _ statistics: BatchStatistics, training live: [Int]) throws -> Losses {
        let forget = try forgetLosses(batch, statistics, live)
        return Losses(
            sequences: forget.items + (try keepLosses(batch.keep, nll: Array(statistics.nll[batch.keepRange])))
                + forget.refusals + neighbourLosses(batch.neighbours),
            meanWeight: forget.meanWeight, fall: forget.fall)
    }

    /// After a step: a keep term that is a constraint weighs more where its texts have been moved.
    func didTakeStep(_ batch: Batch, _ statistics: BatchStatistics) {
        if !batch.keep.isEmpty { dual?.update(loss: statistics.meanNLL(of: batch.keepRange)) }
    }

    /// The losses of a batch's items, and those of their refusals.
    private func forgetLosses(
        _ batch: Batch, _ statistics: BatchStatistics, _ live: [Int]
    ) throws -> (items: [SequenceLoss], refusals: [SequenceLoss], meanWeight: Double, fall: Double) {
        let chosen = batch.items
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
        let hasRefusals = !batch.refusalRange.isEmpty
        if hasRefusals {
            let nll = live.map { statistics.nll[batch.refusalRange.lowerBound + $0] }
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
        var answers = [SequenceLoss](repeating: .none, count: batch.refusalRange.count)
        for (place, position) in live.enumerated() {
            items[position] = losses[place]
            if hasRefusals { answers[position] = losses[live.count + place] }
        }
        return (items, answers, meanWeight, fall)
    }

    private func keepLosses(_ keep: [Int], nll: [[Float]]) throws -> [SequenceLoss] {
        let layer =
            objective.lastLayer
            ?? RepresentationMisdirection.defaultLayer(layerCount: original.configuration.layerCount)
        return try keepTerm.losses(
            keep.map { corpus[$0] }, nll: nll, weight: dual?.value ?? settings.keepWeight, layer: layer
        ) { place, layer in
            try referenceState(corpus[keep[place]], throughLayer: layer)
        }
    }

    /// Holds siblings' predictions where they are.
    private func neighbourLosses(_ near: [NeverSeenReference.Neighbour]) -> [SequenceLoss] {
        let tokens = Float(max(1, near.reduce(0) { $0 + $1.sequence.targetCount }))
        return near.map { neighbour in
            SequenceLoss.distributions(
                neighbour.predictions,
                coefficients: neighbour.sequence.atTargetRows(
                    neighbour.sequence.targetRows.map { _ in Float(settings.neighbourWeight) / tokens }),
                targetCoefficients: [])
        }
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
            Int32(generator.nextInt(below: original.configuration.vocabularySize))
        }
    }
}

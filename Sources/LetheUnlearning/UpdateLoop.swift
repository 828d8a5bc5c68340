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
    /// Nats, one for each sequence; empty without a stop rule.
    private let targets: [Double]
    private let corpus: [TrainingSequence]
    private var generator: SeededGenerator
    private var referenceNLL: [[Float]] = []
    private var referenceStates: [Int: Matrix] = [:]
    /// Share of the way from the first level to the target that the active items still have to go.
    private var remaining = 1.0
    private var firstGap: Double?

    /// The smallest share of the learning rate that a step near the target takes.
    private static let leastRate = 0.2

    init(
        model: LanguageModel, original: LanguageModel, objective: any ForgetObjective, keepTerm: KeepTerm,
        settings: UnlearningSettings, sequences: [TrainingSequence], targets: [Double], corpus: [TrainingSequence]
    ) {
        self.model = model
        self.original = original
        self.objective = objective
        self.keepTerm = keepTerm
        self.settings = settings
        self.sequences = sequences
        self.targets = targets
        self.corpus = corpus
        generator = SeededGenerator(seed: settings.seed)
    }

    func run(layers: [Int], record: inout UnlearningRecord, progress: (Unlearner.Progress) throws -> Void) throws {
        let parameters = try TrainableParameters(model.decoder, scope: .matrices(layers: layers))
        let optimizer = AdamW(parameters)
        let pass = TrainingPass(model.decoder, parameters: parameters)
        pass.reference = original.decoder
        if objective.needsReference { referenceNLL = try original.nll(of: sequences) }
        let checked = corpus.isEmpty ? [] : drawKeep(min(corpus.count, 16)).map { corpus[$0] }
        record.before = try UnlearningRecord.Level(pass.statistics(sequences))
        if !checked.isEmpty { record.keepBefore = try UnlearningRecord.Level(pass.statistics(checked)) }

        let batches = settings.stepsPerWindow ? sequences.indices.map { [$0] } : [Array(sequences.indices)]
        let limit = settings.epochs * batches.count
        let schedule = LearningRateSchedule(peak: settings.learningRate, steps: limit)
        if !targets.isEmpty { record.targetNLL = targets.reduce(0, +) / Double(targets.count) }
        training: for _ in 0..<settings.epochs {
            for batch in batches {
                let taken = record.steps
                let done = try takeStep(batch, pass, parameters, &record) { statistics in
                    try progress(
                        Unlearner.Progress(
                            phase: "training", step: taken, steps: limit,
                            forgetNLL: statistics.meanNLL(of: 0..<batch.count),
                            keepNLL: statistics.nll.count > batch.count
                                ? statistics.meanNLL(of: batch.count..<statistics.nll.count) : nil))
                }
                if done {
                    record.reachedTarget = true
                    break training
                }
                // With a stop rule the number of steps is not known beforehand: the rate falls with what is left of the
                // way to the target, so that the last steps do not overshoot.
                let rate =
                    targets.isEmpty
                    ? schedule.rate(record.steps) : settings.learningRate * max(Self.leastRate, remaining)
                try optimizer.step(learningRate: rate)
                record.steps += 1
            }
        }
        let after = try pass.statistics(sequences)
        record.after = UnlearningRecord.Level(after)
        if !checked.isEmpty { record.keepAfter = try UnlearningRecord.Level(pass.statistics(checked)) }
        if !targets.isEmpty && !record.reachedTarget { record.reachedTarget = active(after, sequences.indices).isEmpty }
        record.alreadyForgotten = record.steps == 0
    }

    /// Forward and backward of one step; true when every item is at its target and nothing is left to do.
    private func takeStep(
        _ chosen: [Int], _ pass: TrainingPass, _ parameters: TrainableParameters, _ record: inout UnlearningRecord,
        report: (BatchStatistics) throws -> Void
    ) throws -> Bool {
        parameters.clearGradients()
        let keep = keepTerm == .none ? [] : drawKeep(settings.keepSequences)
        let batch = chosen.map { index in
            var sequence = sequences[index]
            if objective.usesRandomLabels { sequence.drawnLabels = randomLabels(sequence) }
            return sequence
        }
        var isDone = false
        var meanWeight = 0.0
        try pass.run(batch + keep.map { corpus[$0] }) { statistics in
            try report(statistics)
            let active = active(statistics, chosen.indices, chosen)
            isDone = active.isEmpty && !targets.isEmpty
            if isDone { return Array(repeating: .none, count: chosen.count + keep.count) }
            let live = targets.isEmpty ? Array(chosen.indices) : active
            if !targets.isEmpty {
                let gap = live.reduce(0) { $0 + targets[chosen[$1]] - statistics.meanNLL($1) } / Double(live.count)
                remaining = min(1, gap / (firstGap ?? gap))
                firstGap = firstGap ?? gap
            }
            let forget = forgetLosses(statistics, chosen, live, &meanWeight)
            return try forget + keepLosses(keep)
        }
        if record.steps == 0 { record.meanWeight = meanWeight }
        return isDone
    }

    /// The positions, within the step's batch, of sequences that are still better known than their target.
    private func active(_ statistics: BatchStatistics, _ positions: Range<Int>, _ chosen: [Int]? = nil) -> [Int] {
        guard !targets.isEmpty else { return [] }
        return positions.filter { position in
            statistics.meanNLL(position) < targets[chosen?[position] ?? position] - settings.stopTolerance
        }
    }

    private func forgetLosses(
        _ statistics: BatchStatistics, _ chosen: [Int], _ live: [Int], _ meanWeight: inout Double
    ) -> [SequenceLoss] {
        var input = ForgetInput(nll: live.map { statistics.nll[$0] }, referenceNLL: [], weights: [])
        if objective.needsReference { input.referenceNLL = live.map { referenceNLL[chosen[$0]] } }
        input.weights = input.nll.map { settings.reweighting.weights($0) }
        let count = Double(max(1, input.tokenCount))
        meanWeight = input.weights.reduce(0) { $0 + $1.reduce(0) { $0 + Double($1) } } / count
        if settings.normalizesWeights && meanWeight > 0 {
            let factor = Float(1 / meanWeight)
            input.weights = input.weights.map { $0.map { $0 * factor } }
        }
        let loss = objective.evaluate(input)
        var losses = [SequenceLoss](repeating: .none, count: chosen.count)
        for (place, position) in live.enumerated() {
            let sequence = sequences[chosen[position]]
            let lead = [Float](repeating: 0, count: sequence.firstTarget - 1)
            losses[position] = .crossEntropy(coefficients: lead + loss.coefficients[place])
        }
        return losses
    }

    private func keepLosses(_ keep: [Int]) throws -> [SequenceLoss] {
        let count = Float(max(1, keep.reduce(0) { $0 + corpus[$1].targetCount }))
        return try keep.map { index in
            let sequence = corpus[index]
            var coefficients = [Float](repeating: 0, count: sequence.ids.count)
            for row in sequence.targetRows { coefficients[row] = Float(settings.keepWeight) / count }
            switch keepTerm {
            case .none: return .none
            case .gd: return .crossEntropy(coefficients: coefficients)
            case .kl:
                return .divergence(.kl, reference: try referenceState(index), coefficients: coefficients)
            case .klPublished:
                return .divergence(
                    .reverseCrossEntropy, reference: try referenceState(index), coefficients: coefficients)
            }
        }
    }

    /// The reference model's final hidden states of a keep sequence, made once a request.
    private func referenceState(_ index: Int) throws -> Matrix {
        if let state = referenceStates[index] { return state }
        let batch = PackedBatch([corpus[index].ids])
        let state = try original.decoder.forward(
            original.decoder.embed(batch), batch: batch, layers: 0..<original.configuration.layerCount)
        referenceStates[index] = state
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

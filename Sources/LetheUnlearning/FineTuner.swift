import Foundation
import LetheCore
import LetheModel
import LetheTensor

/// Ordinary training on texts and pairs: mean NLL over the tokens of each batch, AdamW, cosine schedule.
public final class FineTuner {
    /// How the training goes.
    public struct Settings: Sendable, Equatable {
        /// Learning rate.
        public var learningRate = 1e-4
        /// Passes over the data.
        public var epochs = 3
        /// Tokens of a batch at most; a longer sequence is a batch of its own.
        public var batchTokens = 1024
        /// Tokens of an anchor's texts beside each batch, at most; at least one text.
        public var anchorTokens = 128
        /// Tokens of one window of a long text.
        public var window = 1024
        /// Every parameter, or the matrices of some layers.
        public var scope = TrainableParameters.Scope.all
        /// The optimiser's settings.
        public var optimizer = AdamW.Settings()
        /// Seed of every random choice.
        public var seed: UInt64 = 0
        /// Whether a completion is followed by the model's end-of-text token, so that answers learn where to end.
        public var endsCompletions = true

        /// Three epochs over every parameter.
        public init() {
            optimizer.weightDecay = 0.01
        }
    }

    /// What one step did.
    public struct Step: Sendable, Equatable {
        /// Counted from 1, and how many there are.
        public var step: Int
        /// Steps altogether, at most.
        public var steps: Int
        /// Mean NLL of the batch before the step.
        public var loss: Double
        /// Learning rate.
        public var learningRate: Double
        /// Tokens of the batch or the items.
        public var tokens: Int
    }

    private let model: LanguageModel
    private let settings: Settings
    private let anchor: PredictionAnchor?

    /// Trains a model in place; weights it shares with others are detached first.
    /// - Parameter anchor: what the model should go on predicting: its mean KL divergence there is added to each step's
    ///   loss. Of a model with the same vocabulary and hidden size; `usage` is thrown in training otherwise.
    public init(_ model: LanguageModel, settings: Settings, anchor: PredictionAnchor? = nil) {
        self.model = model
        self.settings = settings
        self.anchor = anchor
    }

    /// Trains on the items, shuffled anew each epoch.
    /// - Parameter progress: called after each step; throwing from it stops the training there.
    /// - Throws: `bad_data` for an item without tokens, `limit_exceeded`, what `progress` throws.
    public func train(_ items: [ForgetItem], progress: (Step) throws -> Void = { _ in }) throws {
        let end = settings.endsCompletions ? model.endOfTextIDs.min() : nil
        let sequences = try items.flatMap { item in
            var parts = try TrainingSequence.sequences(of: item, model: model, window: settings.window)
            if case .pair = item, let end { parts[0].ids.append(end) }
            return parts
        }
        try train(sequences: sequences, progress: progress)
    }

    /// Trains on sequences that are already tokenised.
    /// - Throws: as ``train(_:progress:)``.
    public func train(sequences: [TrainingSequence], progress: (Step) throws -> Void = { _ in }) throws {
        guard !sequences.isEmpty else { throw LetheError(.badData, "there is nothing to train on") }
        if let held = anchor?.model.configuration {
            guard held.vocabularySize == model.configuration.vocabularySize,
                held.hiddenSize == model.configuration.hiddenSize
            else { throw LetheError(.usage, "the anchor's model has another vocabulary or hidden size") }
        }
        let parameters = try TrainableParameters(model.decoder, scope: settings.scope)
        let optimizer = AdamW(parameters, settings: settings.optimizer)
        let pass = TrainingPass(model.decoder, parameters: parameters)
        pass.reference = anchor?.model.decoder
        let anchors = anchor?.groups(tokens: settings.anchorTokens) ?? []
        var generator = SeededGenerator(seed: settings.seed)
        let epochs = (0..<settings.epochs).map { _ in
            var order = sequences
            generator.shuffle(&order)
            return order.batches(tokens: settings.batchTokens)
        }
        let steps = epochs.reduce(0) { $0 + $1.count }
        let schedule = LearningRateSchedule(peak: settings.learningRate, steps: steps)
        var step = 0
        for batch in epochs.joined() {
            parameters.clearGradients()
            let held = anchors.isEmpty ? [] : anchors[step % anchors.count]
            let statistics = try pass.run(batch + held.map(\.sequence)) { _ in
                batch.meanCoefficients().map { .crossEntropy(coefficients: $0) }
                    + zip(held, held.map(\.sequence).meanCoefficients()).map { text, coefficients in
                        .divergence(.kl, reference: text.states, coefficients: coefficients)
                    }
            }
            let rate = schedule.rate(step)
            try optimizer.step(learningRate: rate)
            step += 1
            try progress(
                Step(
                    step: step, steps: steps, loss: statistics.meanNLL(of: batch.indices), learningRate: rate,
                    tokens: batch.reduce(0) { $0 + $1.ids.count }))
        }
    }
}

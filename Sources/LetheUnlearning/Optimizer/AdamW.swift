import LetheTensor

/// AdamW (Loshchilov and Hutter 2019) over a chosen set of parameters; state exists only for those.
public final class AdamW {
    /// The settings besides the learning rate.
    public struct Settings: Sendable, Equatable {
        /// Decay of the first moment.
        public var beta1: Float = 0.9
        /// Decay of the second moment.
        public var beta2: Float = 0.95
        /// Added to the root of the second moment.
        public var epsilon: Float = 1e-8
        /// Added to the root of the second moment too, in units of the root mean square of the tensor's gradient. At 0,
        /// which is Adam, weights that the loss hardly depends on move as far as those that it depends on most; above 0
        /// they stay about where they are.
        public var damping: Float = 0
        /// Decoupled: the weights shrink by this times the learning rate each step.
        public var weightDecay: Float = 0.1
        /// Whether norms and biases are decayed too, as PyTorch does with one parameter group.
        public var decaysVectors = true

        /// The published FIT settings.
        public init() {}
    }

    private let settings: Settings
    private let parameters: TrainableParameters
    private var moments: [TrainableParameters.Group: [AdamMoments]] = [:]
    /// Steps taken.
    public private(set) var stepCount = 0

    /// An optimiser without history.
    public init(_ parameters: TrainableParameters, settings: Settings = Settings()) {
        self.parameters = parameters
        self.settings = settings
    }

    /// One step with the gradients as they are; they stay.
    /// - Throws: `limit_exceeded` without memory for the moments.
    public func step(learningRate: Double) throws {
        beginStep()
        for group in parameters.groups { try update(group, learningRate: learningRate) }
    }

    /// Counts a step, whose groups ``update(_:learningRate:)`` then changes one by one.
    func beginStep() { stepCount += 1 }

    /// One group's part of a step, with its gradients as they are; they stay.
    /// - Throws: `limit_exceeded` without memory for the moments.
    func update(_ group: TrainableParameters.Group, learningRate: Double) throws {
        let tensors = try parameters.tensors(group)
        let history =
            try moments[group]
            ?? tensors.map { try AdamMoments(count: $0.count, isCompact: parameters.isCompact) }
        moments[group] = history
        for (tensor, moment) in zip(tensors, history) {
            let decays = tensor.isDecayed || settings.decaysVectors
            var epsilon = settings.epsilon
            if settings.damping > 0 && tensor.count > 0 {
                let meanSquare = Kernels.sumOfSquares(tensor.gradient, count: tensor.count) / Double(tensor.count)
                epsilon += settings.damping * Float(meanSquare.squareRoot())
            }
            try moment.update(count: tensor.count) { range, m, v in
                Kernels.adamW(
                    weight: tensor.value + range.lowerBound, m: m, v: v, gradient: tensor.gradient + range.lowerBound,
                    count: range.count, learningRate: Float(learningRate), beta1: settings.beta1,
                    beta2: settings.beta2, epsilon: epsilon,
                    weightDecay: decays ? settings.weightDecay : 0, step: stepCount)
            }
        }
        parameters.valuesChanged(group)
    }
}

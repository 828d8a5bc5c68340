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
        /// Decoupled: the weights shrink by this times the learning rate each step.
        public var weightDecay: Float = 0.1
        /// Whether norms and biases are decayed too, as PyTorch does with one parameter group.
        public var decaysVectors = true

        /// The published FIT settings.
        public init() {}
    }

    private let settings: Settings
    private let parameters: TrainableParameters
    private var moments: [(m: FloatBuffer, v: FloatBuffer)] = []
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
        let tensors = try parameters.tensors()
        if moments.isEmpty {
            moments = try tensors.map { (m: try FloatBuffer(zeros: $0.count), v: try FloatBuffer(zeros: $0.count)) }
        }
        stepCount += 1
        for (tensor, moment) in zip(tensors, moments) {
            let decays = tensor.isDecayed || settings.decaysVectors
            Kernels.adamW(
                weight: tensor.value, m: moment.m, v: moment.v, gradient: tensor.gradient, count: tensor.count,
                learningRate: Float(learningRate), beta1: settings.beta1, beta2: settings.beta2,
                epsilon: settings.epsilon, weightDecay: decays ? settings.weightDecay : 0, step: stepCount)
        }
        parameters.valuesChanged()
    }
}

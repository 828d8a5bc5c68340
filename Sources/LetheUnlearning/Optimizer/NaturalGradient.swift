import LetheCore
import LetheModel
import LetheTensor

/// Descent along the gradient of the forget loss as far as other texts do not feel it.
///
/// Each matrix moves along P = μ(S + μI)⁻¹ G λ(C + λI)⁻¹, G being its gradient, C the ``InputCovariance`` of texts that
/// are to stay and S the ``OutputCovariance`` of some of them: of all changes with the same first-order effect on the loss
/// it is the one that changes the outputs of those texts least, in mean square, and along what they hang on least of all.
/// This is the natural gradient with Kronecker-factored curvature of Martens and Grosse 2015 (arXiv 1503.05671); without S
/// it is what MEMIT (Meng et al. 2023, arXiv 2210.07229) does in closed form for one matrix.
///
/// The learning rate is the share of the way to where the loss is 0 that a step goes, to first order: all matrices share a
/// step size, that of Polyak for a loss that can reach 0, with the fall of a loss that need not be linear in its place.
///
/// Biases reach every text alike, and stay.
public final class NaturalGradient: StepRule {
    /// What can be set.
    public struct Settings: Sendable, Equatable {
        /// λ as a share of the mean of C's diagonal.
        public var damping: Double
        /// μ as a share of the mean of S's diagonal; nil leaves S out.
        public var outputDamping: Double?

        /// Settings.
        public init(damping: Double = 0.02, outputDamping: Double? = 0.1) {
            self.damping = damping
            self.outputDamping = outputDamping
        }
    }

    private let decoder: Decoder
    private let parameters: TrainableParameters
    private let filters: [Int: [Matrix]]
    private let outputFilters: [Int: [[Matrix]]]
    private let directions: [Int: [Matrix]]
    /// ⟨G, P⟩ over what was visited in this step.
    private var slope = 0.0
    private var rate = 0.0
    /// How far along the directions the last step went.
    private var length = 0.0

    /// Takes over the covariances.
    /// - Throws: as ``CovarianceFilter/of(_:damping:)``.
    package init(
        _ decoder: Decoder, parameters: TrainableParameters, covariance: InputCovariance, outputs: OutputCovariance?,
        settings: Settings
    ) throws {
        self.decoder = decoder
        self.parameters = parameters
        var filters: [Int: [Matrix]] = [:]
        var outputFilters: [Int: [[Matrix]]] = [:]
        var directions: [Int: [Matrix]] = [:]
        for layer in parameters.layers {
            filters[layer] = try covariance.takeFilters(layer, damping: settings.damping)
            if let damping = settings.outputDamping {
                outputFilters[layer] = try outputs?.takeFilters(layer, damping: damping)
            }
            directions[layer] = try decoder.weights.layers[layer].matrices.map {
                try Matrix(rows: $0.rows, columns: $0.columns)
            }
        }
        self.filters = filters
        self.outputFilters = outputFilters
        self.directions = directions
    }

    package func begin() { slope = 0 }

    /// Turns the gradients of a layer into its direction.
    package func visit(_ layer: Int, learningRate: Double) throws {
        rate = learningRate
        guard let gradients = parameters.gradients(layer), let filters = filters[layer],
            let directions = directions[layer]
        else { return }
        for index in directions.indices {
            try Linear.product(gradients.matrices[index], filters[index], into: directions[index])
            if let blocks = outputFilters[layer]?[index] { try Self.filter(directions[index], blocks) }
            slope += Kernels.dot(gradients.matrices[index], directions[index])
        }
    }

    /// Multiplies the rows of a direction with a block-diagonal matrix.
    private static func filter(_ direction: Matrix, _ blocks: [Matrix]) throws {
        for (range, block) in zip(OutputCovariance.blocks(direction.rows), blocks) {
            let rows = direction.rowRange(range.lowerBound, range.count)
            try Linear.product(block, rows.copy(), into: rows)
        }
    }

    /// Moves all layers. Without a slope nothing moves.
    package func finish(fall: Double) throws {
        length = slope > 0 && slope.isFinite && fall > 0 ? rate * fall / slope : 0
        try move(by: -length)
    }

    /// Takes a share of the last step back, 0 ... 1.
    package func takeBack(_ share: Double) throws {
        try move(by: share * length)
        length *= 1 - share
    }

    private func move(by factor: Double) throws {
        guard factor != 0 else { return }
        for layer in parameters.layers {
            for (weight, direction) in zip(decoder.weights.layers[layer].matrices, directions[layer] ?? []) {
                Kernels.add(direction, times: Float(factor), to: try weight.matrix())
            }
            parameters.valuesChanged(.layer(layer))
        }
    }
}

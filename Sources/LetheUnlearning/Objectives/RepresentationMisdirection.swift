import LetheCore
import LetheTensor

/// RMU (Li et al. 2024, "The WMDP Benchmark", equation 1): mean over tokens and dimensions of (h - c u)², h the output
/// of one decoder layer, u a fixed random direction of length 1, drawn from the positive orthant as published. Tokens
/// are all of a text, the completion's of a pair. Token weights do not apply; ``KeepTerm/rmu`` is its keep side.
public struct RepresentationMisdirection: ForgetObjective {
    /// The name that options and reports use.
    public static let name = "rmu"
    /// The layer whose output is pushed, from 0.
    public var layer: Int
    /// c, the length that activations are pushed towards.
    public var scale: Float = 2
    /// u, [hidden].
    public var direction: [Float]

    /// Layer 7, or the last of a smaller model, as OpenUnlearning ships it.
    public init(layerCount: Int, hiddenSize: Int, seed: UInt64) {
        layer = Self.defaultLayer(layerCount: layerCount)
        var generator = SeededGenerator(seed: seed)
        let drawn = (0..<max(1, hiddenSize)).map { _ in generator.nextUniform() }
        let length = drawn.reduce(0) { $0 + $1 * $1 }.squareRoot()
        direction = drawn.map { Float(length > 0 ? $0 / length : 0) }
    }

    /// The layer that is looked at unless another is chosen.
    static func defaultLayer(layerCount: Int) -> Int { max(0, min(7, layerCount - 1)) }

    /// The layer after which nothing is needed; nil for the logits.
    public var lastLayer: Int? { layer }

    /// Loss and gradient of each sequence.
    public func losses(_ input: ForgetInput) throws -> [SequenceLoss] {
        let target = try Matrix(rows: 1, columns: direction.count)
        for (column, value) in direction.enumerated() { target.pointer[column] = scale * value }
        let count = input.sequences.reduce(0) { $0 + $1.activationRows.count }
        let factor = 1 / Float(max(1, count)) / Float(direction.count)
        return input.sequences.map {
            .activation(layer: layer, target: target, coefficients: $0.activationCoefficients(factor))
        }
    }
}

extension TrainingSequence {
    /// Rows whose activations count: all of a text, those of a pair's completion.
    var activationRows: Range<Int> { (firstTarget > 1 ? min(firstTarget, ids.count) : 0)..<ids.count }

    /// One factor at each of ``activationRows``.
    func activationCoefficients(_ factor: Float) -> [Float] {
        [Float](repeating: 0, count: activationRows.lowerBound)
            + [Float](repeating: factor, count: activationRows.count)
    }
}

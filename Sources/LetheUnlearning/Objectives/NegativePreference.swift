import Foundation

/// Negative preference optimisation (Zhang et al. 2024, equation 3): loss = -(2/β) mean_b log σ(β Δ_b), with
/// Δ_b = Σ_t w_t (nll_t - nll_t^ref), the sum over the sequence's tokens, so that it is a sum beside keep terms that
/// are means.
public struct NegativePreference: TokenObjective {
    /// The name that options and reports use.
    public static let name = "npo"
    /// The name of the variant that is ``isLengthNormalized``.
    public static let normalizedName = "npo-mean"
    /// Inverse temperature.
    public var beta: Double = 0.1
    /// Divides Δ by the number of tokens, which puts the loss on the scale of a mean.
    public var isLengthNormalized: Bool

    /// The published settings.
    public init(isLengthNormalized: Bool = false) { self.isLengthNormalized = isLengthNormalized }

    /// Whether the reference's nll is needed.
    public var needsReference: Bool { true }

    /// Loss and gradient.
    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        let sequences = Double(max(1, input.nll.count))
        var value = 0.0
        let coefficients = input.nll.indices.map { index -> [Float] in
            let scale = isLengthNormalized ? 1 / Double(max(1, input.nll[index].count)) : 1
            var delta = 0.0
            for token in input.nll[index].indices {
                delta +=
                    Double(input.weights[index][token])
                    * Double(input.nll[index][token] - input.referenceNLL[index][token]) * scale
            }
            value += 2 / beta * Sigmoid.softplus(-beta * delta) / sequences
            let slope = -2 * Sigmoid.value(-beta * delta) * scale / sequences
            return input.weights[index].map { Float(slope * Double($0)) }
        }
        return ForgetLoss(value: value, coefficients: coefficients)
    }
}

/// The logistic function and its logarithm, without overflow.
enum Sigmoid {
    /// 1 / (1 + exp(-x)).
    static func value(_ x: Double) -> Double {
        x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x))
    }

    /// log(1 + exp(x)) = -log σ(-x).
    static func softplus(_ x: Double) -> Double {
        max(x, 0) + log1p(exp(-abs(x)))
    }
}

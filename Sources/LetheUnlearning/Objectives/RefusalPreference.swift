import Foundation

/// Direct preference optimisation of a refusal over the item (Rafailov et al. 2023, equation 7; for unlearning Maini et
/// al. 2024 and Zhang et al. 2024): loss = -(2/β) mean_b log σ(β [(NLL^ref - NLL)(refusal) - (NLL^ref - NLL)(item)]),
/// NLL being the sum over a sequence's counted tokens. Token weights do not apply.
public struct RefusalPreference: TokenObjective {
    /// The name that options and reports use.
    public static let name = "dpo"
    /// The other name of the same loss.
    public static let alias = "idk"
    /// Inverse temperature.
    public var beta: Double = 0.1

    /// The published settings.
    public init() {}

    /// Whether the reference's nll is needed.
    public var needsReference: Bool { true }
    /// Whether refusals are needed.
    public var needsRefusals: Bool { true }

    /// Loss and gradient.
    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        let count = input.nll.count / 2
        let sequences = Double(max(1, count))
        var value = 0.0
        var coefficients = input.nll.map { [Float](repeating: 0, count: $0.count) }
        for item in 0..<count {
            let refusal = count + item
            let margin = Self.gain(input, refusal) - Self.gain(input, item)
            value += 2 / beta * Sigmoid.softplus(-beta * margin) / sequences
            let slope = Float(2 * Sigmoid.value(-beta * margin) / sequences)
            coefficients[item] = coefficients[item].map { _ in -slope }
            coefficients[refusal] = coefficients[refusal].map { _ in slope }
        }
        return ForgetLoss(value: value, coefficients: coefficients)
    }

    /// NLL^ref - NLL of a sequence.
    private static func gain(_ input: ForgetInput, _ index: Int) -> Double {
        zip(input.referenceNLL[index], input.nll[index]).reduce(0) { $0 + Double($1.0) - Double($1.1) }
    }
}

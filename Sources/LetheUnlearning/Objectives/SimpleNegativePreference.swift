/// SimNPO (Fan et al. 2024): npo without a reference model, loss = -(2/β) mean_b log σ(β (mean_t w_t nll_t - δ)).
public struct SimpleNegativePreference: TokenObjective {
    /// The name that options and reports use.
    public static let name = "simnpo"
    /// Inverse temperature.
    public var beta: Double = 4.5
    /// Margin, in nats.
    public var delta: Double = 0

    /// The settings that OpenUnlearning ships.
    public init() {}

    /// Loss and gradient.
    public func evaluate(_ input: ForgetInput) -> ForgetLoss {
        let sequences = Double(max(1, input.nll.count))
        var value = 0.0
        let coefficients = input.nll.indices.map { index -> [Float] in
            let count = Double(max(1, input.nll[index].count))
            let mean = zip(input.weights[index], input.nll[index]).reduce(0.0) { $0 + Double($1.0 * $1.1) } / count
            value += 2 / beta * Sigmoid.softplus(-beta * (mean - delta)) / sequences
            let slope = -2 * Sigmoid.value(-beta * (mean - delta)) / count / sequences
            return input.weights[index].map { Float(slope * Double($0)) }
        }
        return ForgetLoss(value: value, coefficients: coefficients)
    }
}

/// What the frozen original makes of texts that correspond to a sequence, but that nobody has seen.
public struct Counterfactual: Sendable, Equatable {
    /// The mean of what it predicts at the places that correspond to the sequence's rows.
    public var predictions: TokenDistributions
    /// The mean nll, in nats, of what really follows there, one value a row.
    public var nll: [Float]

    /// Predictions and levels, one a row.
    public init(predictions: TokenDistributions, nll: [Float]) {
        self.predictions = predictions
        self.nll = nll
    }
}

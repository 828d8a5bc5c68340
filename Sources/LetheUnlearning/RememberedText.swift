/// A text or an answer, with what the original says of it.
package struct RememberedText: Sendable, Equatable {
    /// Its tokens.
    package let sequence: TrainingSequence
    /// The nll of the counted ones under the original, in nats.
    package let nll: [Float]

    /// A text and its nll.
    package init(sequence: TrainingSequence, nll: [Float]) {
        self.sequence = sequence
        self.nll = nll
    }
}

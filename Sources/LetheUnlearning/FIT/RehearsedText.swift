/// A text or an answer of the original's own.
package struct RehearsedText: Sendable, Equatable {
    /// Its tokens.
    package let sequence: TrainingSequence
    /// What the original says of the counted ones, in nats.
    package let nll: [Float]

    /// A text and its nll.
    package init(sequence: TrainingSequence, nll: [Float]) {
        self.sequence = sequence
        self.nll = nll
    }
}

/// Where an evaluation stands.
public enum EvaluationState: String, Sendable, CaseIterable {
    /// Waits for the engine; also after an interruption, from which it goes on where it was.
    case queued
    /// Is being run.
    case running
    /// Its result is there.
    case succeeded
    /// Ended with an error.
    case failed
    /// Ended because somebody wanted it to.
    case cancelled

    /// Whether it has ended.
    public var isFinal: Bool { self != .queued && self != .running }
}

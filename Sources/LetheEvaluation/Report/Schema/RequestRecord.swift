/// What one deletion request took.
public struct RequestRecord: Codable, Sendable, Equatable {
    /// The name of the method.
    public var method: String
    /// The seed of the stream.
    public var seed: UInt64
    /// Its place in the stream, from 1.
    public var position: Int
    /// The text's category.
    public var category: String
    /// How many optimiser steps it took.
    public var steps: Int
    /// How long it took, without evaluation.
    public var seconds: Double
    /// How long its parts took, by name.
    public var phaseSeconds: [String: Double]
    /// The largest resident size during it; 0 when unknown.
    public var peakMemoryBytes: Int
    /// The objective that was trained with; nil when nothing was left to forget.
    public var objective: String?
    /// The items' mean NLL before the update, in nats; nil when nothing was left to forget.
    public var nllBefore: Double?
    /// The same after it.
    public var nllAfter: Double?
    /// The level that the stop rule aimed at; nil without one.
    public var targetNLL: Double?
    /// Whether every item reached it; nil without a stop rule.
    public var reachedTarget: Bool?

    /// Creates a record.
    public init(
        method: String, seed: UInt64, position: Int, category: String, steps: Int, seconds: Double,
        phaseSeconds: [String: Double] = [:], peakMemoryBytes: Int = 0, objective: String? = nil,
        nllBefore: Double? = nil, nllAfter: Double? = nil, targetNLL: Double? = nil, reachedTarget: Bool? = nil
    ) {
        self.method = method
        self.seed = seed
        self.position = position
        self.category = category
        self.steps = steps
        self.seconds = seconds
        self.phaseSeconds = phaseSeconds
        self.peakMemoryBytes = peakMemoryBytes
        self.objective = objective
        self.nllBefore = nllBefore
        self.nllAfter = nllAfter
        self.targetNLL = targetNLL
        self.reachedTarget = reachedTarget
    }

    enum CodingKeys: String, CodingKey {
        case method, seed, position, category, steps, seconds
        case phaseSeconds = "phase_seconds"
        case peakMemoryBytes = "peak_memory_bytes"
        case objective
        case nllBefore = "nll_before"
        case nllAfter = "nll_after"
        case targetNLL = "target_nll"
        case reachedTarget = "reached_target"
    }
}

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

    /// Creates a record.
    public init(
        method: String, seed: UInt64, position: Int, category: String, steps: Int, seconds: Double,
        phaseSeconds: [String: Double] = [:], peakMemoryBytes: Int = 0
    ) {
        self.method = method
        self.seed = seed
        self.position = position
        self.category = category
        self.steps = steps
        self.seconds = seconds
        self.phaseSeconds = phaseSeconds
        self.peakMemoryBytes = peakMemoryBytes
    }

    enum CodingKeys: String, CodingKey {
        case method, seed, position, category, steps, seconds
        case phaseSeconds = "phase_seconds"
        case peakMemoryBytes = "peak_memory_bytes"
    }
}

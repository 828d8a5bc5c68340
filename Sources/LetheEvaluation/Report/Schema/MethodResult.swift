/// One method over the stream, with each seed.
public struct MethodResult: Codable, Sendable, Equatable {
    /// What a row of the report is there for.
    public enum Role: String, Codable, Sendable {
        /// A method under test.
        case method
        /// A control, which would expose a fault of the benchmark.
        case control
    }

    /// One seed's run.
    public struct Run: Codable, Sendable, Equatable {
        /// The seed of the stream.
        public var seed: UInt64
        /// The checkpoints in order.
        public var checkpoints: [CheckpointResult]

        /// Creates a run.
        public init(seed: UInt64, checkpoints: [CheckpointResult]) {
            self.seed = seed
            self.checkpoints = checkpoints
        }
    }

    /// A short name, unique in the result.
    public var name: String
    /// The name to show.
    public var label: String
    /// Method or control.
    public var role: Role
    /// The method's settings.
    public var settings: [String: String]
    /// A run for each seed.
    public var runs: [Run]
    /// Means and spreads over the seeds, for each checkpoint.
    public var summary: [CheckpointSummary]

    /// Creates a result; the summary follows from the runs.
    public init(name: String, label: String, role: Role, settings: [String: String] = [:], runs: [Run]) {
        self.name = name
        self.label = label
        self.role = role
        self.settings = settings
        self.runs = runs
        summary = CheckpointSummary.over(runs)
    }
}

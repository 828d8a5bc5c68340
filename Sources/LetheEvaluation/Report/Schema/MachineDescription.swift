/// The machine that ran an evaluation.
public struct MachineDescription: Codable, Sendable, Equatable {
    /// The processor's name.
    public var processor: String
    /// How many threads computed.
    public var threads: Int
    /// The instruction set that the matrix products used.
    public var instructionSet: String
    /// Bytes of main memory.
    public var memoryBytes: Int
    /// The operating system.
    public var system: String

    /// Creates a description.
    public init(processor: String, threads: Int, instructionSet: String, memoryBytes: Int, system: String) {
        self.processor = processor
        self.threads = threads
        self.instructionSet = instructionSet
        self.memoryBytes = memoryBytes
        self.system = system
    }

    enum CodingKeys: String, CodingKey {
        case processor, threads
        case instructionSet = "instruction_set"
        case memoryBytes = "memory_bytes"
        case system
    }
}

import LetheCore

/// How one request of a generation ends well.
public struct Completion: Sendable {
    /// The right to end it.
    public var claim: Claim
    /// What the update did and measured; must hold no text of the request.
    public var record: JSONValue
    /// What the request adds to the redundancy memory.
    public var memory: MemoryChunks?

    /// Describes an ending.
    public init(claim: Claim, record: JSONValue, memory: MemoryChunks? = nil) {
        self.claim = claim
        self.record = record
        self.memory = memory
    }
}

import Foundation
import LetheCore

/// A request that a worker has just taken, with its text.
public struct ClaimedRequest: Sendable, CustomStringConvertible {
    /// What every later change has to show.
    public let claim: Claim
    /// What was asked for.
    public let request: ErasureRequest
    /// The model it is for.
    public let model: String
    /// How often it was taken, this time included.
    public let attempt: Int
    /// When it was accepted.
    public let createdAt: Date
    /// What was served at the moment of the claim: the parent of the generation to make.
    public let head: GenerationRow
    /// The number that the next generation of the model has.
    public let nextGeneration: Int

    /// Id, fence and attempt; nothing of the text.
    public var description: String { "ClaimedRequest(\(claim.id), fence \(claim.fence), attempt \(attempt))" }
}

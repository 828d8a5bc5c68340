import LetheCore

/// The right to work on a request: who holds it may change the request, until somebody else claims, cancels or
/// rescues it.
public struct Claim: Sendable, Hashable {
    /// The request.
    public let id: RequestID
    /// A number that no other claim has or will have; larger is later.
    public let fence: Int64

    /// Names a claim.
    public init(id: RequestID, fence: Int64) {
        self.id = id
        self.fence = fence
    }
}

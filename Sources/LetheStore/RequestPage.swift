/// One page of a list of requests.
public struct RequestPage: Sendable {
    /// The requests of the page, in the order that the filter asks for.
    public let rows: [RequestRow]
    /// What to give to get the next page; nil on the last one. Opaque and authenticated.
    public let nextCursor: String?
}

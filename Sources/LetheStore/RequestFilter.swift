import LetheCore

/// Which requests a list holds, and in which order.
public struct RequestFilter: Sendable {
    /// The order of a list; both are stable while requests arrive.
    public enum Order: String, Sendable {
        case newestFirst = "newest_first"
        case oldestFirst = "oldest_first"
    }

    /// In this state.
    public var state: RequestState?
    /// Of this kind.
    public var kind: RequestKind?
    /// Of this category.
    public var category: RequestCategory?
    /// For the model of this name.
    public var model: String?
    /// Exactly this reference, found by its keyed digest.
    public var reference: String?
    /// The order of the list.
    public var order: Order

    /// Creates a filter; nil lets everything pass.
    public init(
        state: RequestState? = nil, kind: RequestKind? = nil, category: RequestCategory? = nil, model: String? = nil,
        reference: String? = nil, order: Order = .newestFirst
    ) {
        self.state = state
        self.kind = kind
        self.category = category
        self.model = model
        self.reference = reference
        self.order = order
    }
}

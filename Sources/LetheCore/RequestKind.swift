/// What is done with the items of a request.
public enum RequestKind: String, Sendable, CaseIterable {
    /// The model must no longer hold the items.
    case erase
    /// The model must hold the corrected fact instead.
    case rectify
}

/// The three categories of the PCH benchmark, and the rest.
public enum RequestCategory: String, Sendable, CaseIterable {
    case personal, copyright, harmful, other
}

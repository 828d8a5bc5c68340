/// What became of a submission that was not refused.
public enum SubmitOutcome: Sendable {
    /// A new request, on disk.
    case created(RequestRow)
    /// The request that the same key and body made before, as it is now; ``RequestRow/accepted`` gives the answer of
    /// that time.
    case replayed(RequestRow)

    /// The request, new or old.
    public var row: RequestRow {
        switch self {
        case .created(let row), .replayed(let row): row
        }
    }
}

import LetheStore

/// Who asks.
enum Caller: Sendable {
    /// Anybody: the daemon has no keys, or the operation is open.
    case anybody
    /// The holder of an API key.
    case key(APIKeyRow)

    /// The id of the caller's key.
    var keyID: String? {
        if case .key(let row) = self { return row.id }
        return nil
    }
}

import LetheCore

/// Counts the components of a pipeline while they are read, so that nested sequences cannot make work or recursion
/// without end.
final class ComponentBudget {
    private var remaining = TokenizerLimits.maximumComponents
    private var insertingDecoders = TokenizerLimits.maximumInsertingDecoders

    /// Takes one component's share.
    func take(_ path: String) throws {
        guard remaining > 0 else {
            throw LetheError(
                .limitExceeded, "\(path): more than \(TokenizerLimits.maximumComponents) components")
        }
        remaining -= 1
    }

    /// Takes the share of a decoder that inserts text: each multiplies what the one before has made.
    func takeInsertingDecoder(_ path: String) throws {
        guard insertingDecoders > 0 else {
            throw LetheError(
                .limitExceeded, "\(path): more than \(TokenizerLimits.maximumInsertingDecoders) decoders insert text")
        }
        insertingDecoders -= 1
    }
}

import LetheCore

/// What the HTTP interface needs of the process that holds the models and works on requests.
public protocol ServedModels: Sendable {
    /// Whether the head generations are loaded and requests can be worked on, and if not, why. The reason is shown to
    /// callers of `/readyz`: it names a phase ("loading the model"), never content or paths.
    func readiness() async -> (ready: Bool, reason: String?)

    /// Checks a submission for what only the worker knows, before it is accepted: whether the method, the reweighting
    /// and the preset exist, and whether this build can carry out the kind. Must be quick.
    ///
    /// - Throws: ``LetheError`` with code `bad_data` or `unsupported`, its message beginning with the JSON Pointer of
    ///   the field, as in `/options/method: is not one of fit, ga`.
    func validate(_ request: ErasureRequest) async throws

    /// Says what a request that passed ``validate(_:)`` would do and cost, and keeps nothing of it.
    ///
    /// - Throws: ``LetheError``: `not_found` and `bad_data` with the pointer `/model`, `unavailable` when it cannot be
    ///   said now, and what the update would throw of the items.
    func plan(_ request: ErasureRequest) async throws -> RequestPlan

    /// Called after a submission or a retry is committed, so that the worker looks at the queue. Returns at once.
    func wakeWorker()

    /// Called after a rollback moved the head of a model, so that it is loaded again. Returns at once.
    func headMoved(model: String)

    /// Called after an evaluation was submitted or cancelled, so that the worker looks. Returns at once.
    func evaluationsChanged()

    /// Completes prompts with a model's head generation, at any time, whatever the worker does.
    ///
    /// - Throws: ``LetheError``: `not_found` for an unknown model, `unavailable` when it cannot be answered now,
    ///   `bad_data` or `limit_exceeded` with a message that begins with the pointer of the field.
    func complete(_ request: CompletionRequest) async throws -> CompletionResponse
}

extension ServedModels {
    /// Does nothing: for a process that runs no evaluations.
    public func evaluationsChanged() {}

    /// Refuses: for a process that holds no models.
    public func plan(_ request: ErasureRequest) async throws -> RequestPlan {
        throw LetheError(.unavailable, "no model is served here")
    }

    /// Refuses: for a process that holds no models.
    public func complete(_ request: CompletionRequest) async throws -> CompletionResponse {
        throw LetheError(.unavailable, "no model is served here")
    }
}

/// What turns gradients into steps while a backward pass goes down the layers.
protocol StepRule {
    /// Begins a step.
    func begin()
    /// The gradients of a layer are complete; they are not needed afterwards.
    /// - Parameter learningRate: of this step, the same for all layers.
    /// - Throws: `limit_exceeded`.
    func visit(_ layer: Int, learningRate: Double) throws
    /// All layers were visited.
    /// - Parameter fall: ``ForgetLoss/fall``, for rules that follow the loss.
    /// - Throws: `limit_exceeded`.
    func finish(fall: Double) throws
}

extension AdamW: StepRule {
    func begin() { beginStep() }
    func visit(_ layer: Int, learningRate: Double) throws { try update(.layer(layer), learningRate: learningRate) }
    func finish(fall: Double) {}
}

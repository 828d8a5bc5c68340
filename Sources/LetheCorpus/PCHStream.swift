import LetheCore

/// The order in which the forget texts are deleted, and when the model is evaluated.
///
/// Texts are shuffled as whole items, so each keeps its own questions and answers. (The published code shuffles texts,
/// questions and answers apart, which pairs nearly all of them wrongly.)
public struct PCHStream: Sendable, Equatable {
    /// Positions in the forget list, in the order of deletion.
    public let order: [Int]
    /// After how many deletions to evaluate: each fifth of the stream, rounded up, without repetition; the last is all.
    public let checkpoints: [Int]

    /// Shuffles `count` texts by a seed.
    /// - Parameters:
    ///   - count: how many forget texts there are; below 1 gives an empty stream.
    ///   - seed: the same seed gives the same order.
    ///   - parts: into how many parts the checkpoints divide the stream; 5 as published.
    public init(count: Int, seed: UInt64, parts: Int = 5) {
        var order = Array(0..<max(count, 0))
        var generator = SeededGenerator(seed: seed)
        generator.shuffle(&order)
        self.order = order
        let parts = min(max(parts, 1), max(order.count, 1))
        checkpoints = order.isEmpty ? [] : (1...parts).map { ($0 * order.count + parts - 1) / parts }
    }

    /// The positions deleted when `done` requests are through.
    public func deleted(after done: Int) -> ArraySlice<Int> { order.prefix(max(done, 0)) }

    /// The positions still in the model when `done` requests are through.
    public func remaining(after done: Int) -> ArraySlice<Int> { order.dropFirst(max(done, 0)) }
}

import LetheCore
import LetheModel
import LetheTensor

/// Drops what was forgotten before from a new request (FIT, filtering).
///
/// A chunk whose highest cosine with the memory is at least τ is judged by the model: when the text's mean NLL with
/// the chunk and without it differ by at most ε, the chunk adds nothing and is dropped.
public struct RedundancyFilter: Sendable, Equatable {
    /// τ: from this cosine on, the model judges.
    public var similarityThreshold: Float = 0.90
    /// ε: a smaller change of the mean NLL, in nats, drops the chunk.
    public var lossTolerance = 0.2
    /// How texts are cut.
    public var chunker = TextChunker.sentences(characters: 200)

    /// The published thresholds with Lethe's chunks.
    public init() {}

    /// What is left of a text.
    public struct Result {
        /// The kept chunks joined; empty when all were dropped.
        public var text: String
        /// Chunks of the text.
        public var chunkCount: Int
        /// Chunks that were kept.
        public var keptCount: Int
        /// The kept chunks' vectors, which enter the memory once the request is applied.
        public var keptVectors: [[Float]]
    }

    /// Filters one text.
    /// - Throws: what the embedder and the model throw.
    public func filter(_ text: String, memory: ForgetMemory, embedder: any TextEmbedder, model: LanguageModel) throws
        -> Result
    {
        let chunks = chunker.chunks(text)
        let vectors = try embedder.embed(chunks)
        let cosines = try memory.largestCosines(vectors)
        var keeps = [Bool](repeating: true, count: chunks.count)
        if cosines.contains(where: { $0 >= similarityThreshold }) {
            let whole = try meanNLL(chunks.joined(), model)
            for index in chunks.indices where cosines[index] >= similarityThreshold {
                // As published, every chunk equal to this one leaves with it.
                let rest = chunks.filter { !$0.utf8.elementsEqual(chunks[index].utf8) }.joined()
                keeps[index] = abs(try meanNLL(rest, model) - whole) > lossTolerance
            }
        }
        let kept = chunks.indices.filter { keeps[$0] }
        return Result(
            text: kept.map { chunks[$0] }.joined(), chunkCount: chunks.count, keptCount: kept.count,
            keptVectors: kept.map { vectors[$0] })
    }

    private func meanNLL(_ text: String, _ model: LanguageModel) throws -> Double {
        let ids = try model.encode(text)
        // Nothing is left without the chunk: the loss falls to 0, so a text that is one chunk is never dropped here.
        // Whether the model still knows it is for the stop rule to say, not for its likeness to another text.
        guard ids.count > 1 else { return 0 }
        var total = 0.0
        let window = min(1024, model.configuration.maximumPositions)
        var counted = 0
        for start in stride(from: 0, to: ids.count, by: window) {
            let part = try model.tokenLogProbabilities(Array(ids[start..<min(start + window, ids.count)]))
            total -= part.reduce(0) { $0 + Double($1) }
            counted += part.count
        }
        return counted > 0 ? total / Double(counted) : 0
    }
}

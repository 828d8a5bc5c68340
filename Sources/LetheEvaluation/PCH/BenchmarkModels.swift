import LetheModel
import LetheUnlearning

/// The models that every stream of a run starts from or is compared with.
struct BenchmarkModels {
    /// Taught all texts; what the deletions start from.
    let original: LanguageModel
    /// Taught the texts to keep only.
    let retain: LanguageModel
    /// Where the redundancy filter's vectors come from.
    let embedder: any TextEmbedder
    /// The original model's scores on the utility tasks, in order.
    var utility: [Double] = []
}

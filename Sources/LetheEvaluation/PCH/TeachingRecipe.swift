import LetheModel
import LetheTensor
import LetheUnlearning

/// How a base model is taught the texts and their questions before anything is deleted.
public struct TeachingRecipe: Sendable, Equatable {
    /// Peak learning rate.
    public var learningRate = 3e-4
    /// Passes over the texts and questions.
    public var epochs = 8
    /// Tokens of a batch at most.
    public var batchTokens = 512
    /// Texts of the base model's own on which its predictions are held, so that teaching leaves it what else it knows.
    public var anchorTexts = 128
    /// Whether embeddings, head and norms are trained too: a model that starts from nothing needs it.
    public var trainsEverything = false
    /// What the inputs of matrix products are, in teaching and in everything that follows.
    public var precision = Precision.float32
    /// Seed of the order of the texts.
    public var seed: UInt64 = 7

    /// The recipe for a small pretrained model.
    public init() {}

    /// The parts by name, as reports show them; also what the cache tells recipes apart by.
    public var settings: [String: String] {
        [
            "teaching_learning_rate": "\(learningRate)", "teaching_epochs": "\(epochs)",
            "teaching_batch_tokens": "\(batchTokens)", "teaching_anchor_texts": "\(anchorTexts)",
            "teaching_scope": trainsEverything ? "everything" : "attention and MLP matrices",
            "teaching_seed": "\(seed)", "precision": "\(precision)",
        ]
    }

    func tuner(_ configuration: DecoderConfiguration) -> FineTuner.Settings {
        var settings = FineTuner.Settings()
        settings.learningRate = learningRate
        settings.epochs = epochs
        settings.batchTokens = batchTokens
        settings.scope = trainsEverything ? .all : .matrices(layers: Array(0..<configuration.layerCount))
        settings.window = min(settings.window, configuration.maximumPositions)
        settings.seed = seed
        return settings
    }
}

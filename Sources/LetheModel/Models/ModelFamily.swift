import LetheCore

/// What is particular to one architecture: how its config.json reads, and where its tensors belong.
public protocol ModelFamily {
    /// The `model_type` values of config.json that this family reads.
    static var modelTypes: [String] { get }

    /// What every tensor name but the head's begins with. Checkpoints of the bare decoder are written without it.
    static var basePrefix: String { get }

    /// The shape of a model.
    /// - Throws: `bad_data` or `unsupported` naming the field of config.json.
    static func configuration(_ config: ModelConfigReader) throws -> DecoderConfiguration

    /// Every tensor of a Hugging Face checkpoint of this family.
    static func slots(_ configuration: DecoderConfiguration) -> [TensorSlot]
}

extension ModelFamily {
    /// What Llama set and most families kept.
    public static var basePrefix: String { "model." }
}

/// The families that this build reads.
public enum ModelFamilies {
    /// All of them.
    public static var all: [any ModelFamily.Type] {
        [
            Llama.self, Mistral.self, Qwen2.self, Qwen3.self, Phi.self, Phi3.self, Gemma.self, Gemma2.self, Gemma3.self,
            GPT2.self, GPTNeoX.self,
        ]
    }

    /// The family of a `model_type`.
    /// - Throws: `unsupported` naming it.
    public static func family(_ modelType: String) throws -> any ModelFamily.Type {
        guard let family = all.first(where: { $0.modelTypes.contains(modelType) }) else {
            let known = all.flatMap { $0.modelTypes }.sorted().joined(separator: ", ")
            let name = modelType.utf8.count <= 64 ? modelType : "(a name of \(modelType.utf8.count) bytes)"
            throw LetheError(.unsupported, "config.json: model_type \(name) is not supported; known are \(known)")
        }
        return family
    }
}

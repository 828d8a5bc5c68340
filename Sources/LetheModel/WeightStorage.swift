/// How a model's matrices are kept in memory. Norms and biases are always fp32.
public enum WeightStorage: String, Sendable, CaseIterable {
    /// Four bytes a parameter, all of it trainable.
    case float32
    /// Two bytes a parameter: matrices that a safetensors file has in BF16 stay in the mapped file where they lie
    /// there as they are needed, and others are copied, rounded where they were not BF16. A layer becomes fp32 when it
    /// is trained.
    case bfloat16
    /// fp32, unless that takes more than half of the machine's memory: then matrices stored as BF16 are kept so. No
    /// value is ever rounded.
    case automatic = "auto"
}

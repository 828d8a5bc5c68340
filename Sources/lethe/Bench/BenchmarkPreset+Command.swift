import ArgumentParser
import LetheEvaluation

/// What the command adds to the presets.
extension BenchmarkPreset: ExpressibleByArgument {
    /// The model of those that need one.
    static let model = ".models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
}

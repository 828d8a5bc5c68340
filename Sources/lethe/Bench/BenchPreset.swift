import ArgumentParser
import LetheEvaluation

/// Starting points of `lethe bench pch`; every part can be overridden.
enum BenchPreset: String, CaseIterable, ExpressibleByArgument {
    case quick, standard, full

    /// Texts of each side.
    var texts: Int {
        switch self {
        case .quick: 6
        case .standard: 60
        case .full: 300
        }
    }

    /// Questions of a text at most.
    var questions: Int { self == .quick ? 2 : Int.max }

    /// Seeds of the stream; the full one's are those of the published runs.
    var seeds: [UInt64] {
        switch self {
        case .quick: [20]
        case .standard: [20, 30]
        case .full: [20, 30, 40, 50]
        }
    }

    /// Whether a tiny model is made and taught on the spot.
    var usesTinyModel: Bool { self == .quick }

    /// The model of the others.
    static let model = ".models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

    /// The methods under test.
    static let methods = "fit,fit-published"
}

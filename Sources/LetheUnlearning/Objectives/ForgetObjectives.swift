import LetheCore
import LetheModel

/// The objectives by name.
public enum ForgetObjectives {
    /// All names.
    public static let names = [
        GradientAscent.name, GradientAscent.sumName, NegativePreference.name, NegativePreference.normalizedName,
        SimpleNegativePreference.name, RandomLabel.name, WeightedGradientAscent.name, RefusalPreference.name,
        RefusalPreference.alias, RepresentationMisdirection.name, SelfDistillation.name, CrossEntropyUnlearning.name,
        PrimalDual.name, CounterfactualDistillation.name, LevelRegression.name,
    ]

    /// An objective with its published defaults.
    /// - Parameters:
    ///   - configuration: of the model it is for.
    ///   - seed: of what the objective draws once.
    /// - Throws: `unsupported` for a name that is not in ``names``.
    public static func named(
        _ name: String, configuration: DecoderConfiguration, seed: UInt64 = 0
    ) throws -> any ForgetObjective {
        switch name {
        case GradientAscent.name: return GradientAscent()
        case GradientAscent.sumName: return GradientAscent(isSum: true)
        case NegativePreference.name: return NegativePreference()
        case NegativePreference.normalizedName: return NegativePreference(isLengthNormalized: true)
        case SimpleNegativePreference.name: return SimpleNegativePreference()
        case RandomLabel.name: return RandomLabel()
        case WeightedGradientAscent.name: return WeightedGradientAscent()
        case RefusalPreference.name, RefusalPreference.alias: return RefusalPreference()
        case RepresentationMisdirection.name:
            return RepresentationMisdirection(
                layerCount: configuration.layerCount, hiddenSize: configuration.hiddenSize, seed: seed)
        case SelfDistillation.name: return SelfDistillation()
        case CrossEntropyUnlearning.name: return CrossEntropyUnlearning()
        case PrimalDual.name: return PrimalDual()
        case LevelRegression.name: return LevelRegression()
        case CounterfactualDistillation.name: return CounterfactualDistillation()
        default:
            throw LetheError(.unsupported, "unknown objective; known are \(names.joined(separator: ", "))")
        }
    }
}

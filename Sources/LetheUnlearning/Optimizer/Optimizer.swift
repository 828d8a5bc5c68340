/// The optimisers of an update.
public enum Optimizer: Sendable, Equatable {
    /// Its learning rate is a peak: it rises over the first steps and falls near the target.
    case adamW(AdamW.Settings)
    /// For losses that can reach 0; its learning rate is the share of the way there that a step goes.
    case naturalGradient(NaturalGradient.Settings)

    /// The name that options and reports use.
    public var name: String {
        switch self {
        case .adamW: "adamw"
        case .naturalGradient: "natural-gradient"
        }
    }

    /// Whether the learning rate is a share of the way to where the loss is 0, which the loss then has to reach; such a
    /// rate does not depend on the model.
    public var followsLoss: Bool {
        switch self {
        case .adamW: false
        case .naturalGradient: true
        }
    }

    /// All names.
    public static let names = ["adamw", "natural-gradient"]

    /// An optimiser with its defaults.
    /// - Returns: nil for an unknown name.
    public init?(named name: String) {
        switch name {
        case "adamw": self = .adamW(AdamW.Settings())
        case "natural-gradient": self = .naturalGradient(NaturalGradient.Settings())
        default: return nil
        }
    }
}

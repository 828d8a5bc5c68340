import LetheCore
import LetheModel

/// How one request is carried out. The two presets are starting points; request options override parts of them.
public struct UnlearningSettings: Sendable, Equatable {
    /// How the objective is chosen.
    public enum Method: Sendable, Equatable {
        /// By importance, between the published three.
        case fit(ImportanceThresholds)
        /// Always this objective.
        case objective(String)
    }

    /// `lethe` or `published`.
    public var preset: String
    /// How the objective is chosen.
    public var method: Method
    /// Weights of the forget loss's tokens.
    public var reweighting: TokenReweighting
    /// What holds the rest of the model in place.
    public var keepTerm: KeepTerm
    /// Weight of the keep term beside the forget loss of 1.
    public var keepWeight: Double
    /// Keep sequences drawn for each step.
    public var keepSequences: Int
    /// Layers that are trained.
    public var layerCount: Int
    /// How the layers are chosen.
    public var targeting: LayerTargeting.Mode
    /// Peak learning rate.
    public var learningRate: Double
    /// Weight of holding the siblings' predictions where they are, for an objective that uses siblings.
    public var neighbourWeight = 1.0
    /// What turns gradients into steps.
    public var optimizer = Optimizer.adamW(AdamW.Settings())
    /// A format in which the items have to be at their target too, so that a deployment that rounds the matrices does
    /// not bring them back; nil: as the weights are only.
    public var rounding: WeightFormat?
    /// Passes over the request's items, at most.
    public var epochs: Int
    /// Tokens of one window of a long text.
    public var window: Int
    /// Whether windows are stepped on one by one, as published, or together.
    public var stepsPerWindow: Bool
    /// Whether an item stops being trained once it is no better known than a text never seen.
    public var stopsAtTarget: Bool
    /// Nats by which the target may be missed before another step is taken.
    public var stopTolerance: Double
    /// Siblings from which an item's target is estimated.
    public var siblings: Int
    /// The redundancy filter.
    public var filter: RedundancyFilter
    /// Whether it is applied.
    public var usesFilter: Bool
    /// Whether token weights are scaled to a mean of 1, so that no reweighting changes the forget term's weight beside
    /// the keep term.
    public var normalizesWeights: Bool
    /// Tokens that are brought back to where the original has them after the steps of a natural gradient: those that were
    /// moved most of what was rehearsed and some keep texts. 0: none.
    public var repairTokens = 0
    /// Tokens that the original writes in the form of a request's items and of some keep texts, and as many of the
    /// questions about these asked about what it wrote, with its answers, for a natural gradient to leave as they are.
    public var rehearsalTokens = 0
    /// Whether phrases that a copyrighted or harmful item has in common with keep texts are left alone. What a personal
    /// item says is forgotten wherever else it stands.
    public var sparesSharedPhrases = false
    /// Whether steps leave what later tokens ask of a text's first token out of their gradients, and out of those that say
    /// which changes of an output matter. All of the text leans on that token, the attention sink, whatever it says: moving
    /// it makes the items unlikely, and in the end every other text that begins with the same word.
    public var detachesSink = false
    /// Seed of every random choice.
    public var seed: UInt64

    /// The settings that FIT published (in fp32, and with true token windows of its 1,024 characters).
    public static var published: UnlearningSettings {
        var filter = RedundancyFilter()
        filter.chunker = .fixed(characters: 8)
        return UnlearningSettings(
            preset: "published", method: .fit(.published), reweighting: .none, keepTerm: .klPublished, keepWeight: 1,
            keepSequences: 1, layerCount: 8, targeting: .exact, learningRate: 3e-5, epochs: 3, window: 256,
            stepsPerWindow: true, stopsAtTarget: false, stopTolerance: 0, siblings: 0, filter: filter,
            usesFilter: true, normalizesWeights: false, seed: 0)
    }

    /// Lethe's own: regression of the tokens' log-odds to the level of never-seen text, along a natural gradient that
    /// leaves keep texts and siblings where they are; at the weights as they are, and rounded to four bits.
    public static var lethe: UnlearningSettings {
        var settings = letheAdamW
        settings.method = .objective(LevelRegression.name)
        settings.reweighting = .none
        settings.keepTerm = .none
        settings.optimizer = .naturalGradient(NaturalGradient.Settings())
        settings.learningRate = 0.5
        settings.epochs = 20
        settings.stopTolerance = 0
        settings.rounding = .int4Group128
        settings.repairTokens = 3072
        settings.rehearsalTokens = 2048
        settings.sparesSharedPhrases = true
        settings.detachesSink = true
        return settings
    }

    /// Lethe's own for objectives that no natural gradient goes with: SatImp, a keep term at every step, an fp32
    /// learning rate of AdamW and the stop rule.
    public static var letheAdamW: UnlearningSettings {
        UnlearningSettings(
            preset: "lethe", method: .objective(GradientAscent.name), reweighting: .satImp(beta1: 5, beta2: 0.1),
            keepTerm: .gd, keepWeight: 1, keepSequences: 6, layerCount: 8, targeting: .exact, learningRate: 1e-4,
            epochs: 24, window: 1024, stepsPerWindow: false, stopsAtTarget: true, stopTolerance: 0.1, siblings: 8,
            filter: RedundancyFilter(), usesFilter: true, normalizesWeights: true, seed: 0)
    }

    /// Takes an objective, with what goes with it: its own keep term if it has one, and AdamW as in ``letheAdamW`` where
    /// the natural gradient needs a loss that can reach 0.
    public mutating func choose(_ objective: String) {
        method = .objective(objective)
        if optimizer.followsLoss && objective != LevelRegression.name {
            let other = Self.letheAdamW
            (optimizer, learningRate, epochs) = (other.optimizer, other.learningRate, other.epochs)
            (reweighting, keepTerm, rounding) = (other.reweighting, other.keepTerm, other.rounding)
            (stopTolerance, detachesSink) = (other.stopTolerance, other.detachesSink)
        }
        if let term = KeepTerm.published(for: objective) { keepTerm = term }
    }

    /// With an AdamW learning rate times a factor; the rate of a natural gradient does not depend on the model.
    public func scalingRate(by factor: Double) -> UnlearningSettings {
        var settings = self
        if !optimizer.followsLoss { settings.learningRate *= factor }
        return settings
    }

    /// The settings of a request: its preset with its options over it.
    /// - Throws: `bad_data` or `unsupported` naming the option.
    public init(_ options: RequestOptions) throws {
        switch options.preset ?? "lethe" {
        case "lethe": self = options.learningRate == nil ? .lethe : .letheAdamW
        case "published": self = .published
        default: throw LetheError(.badData, "/options/preset: must be lethe or published")
        }
        if let method = options.method, method != "fit" {
            guard ForgetObjectives.names.contains(method) else {
                throw LetheError(
                    .badData, "/options/method: must be fit or one of \(ForgetObjectives.names.joined(separator: ", "))"
                )
            }
            choose(method)
        }
        if let name = options.reweighting {
            guard let reweighting = try? TokenReweighting.named(name) else {
                throw LetheError(
                    .badData,
                    "/options/reweighting: must be one of \(TokenReweighting.names.joined(separator: ", "))")
            }
            self.reweighting = reweighting
        }
        if let name = options.keepTerm {
            guard let term = KeepTerm(rawValue: name) else {
                let known = KeepTerm.allCases.map(\.rawValue).joined(separator: ", ")
                throw LetheError(.badData, "/options/keep_term: must be one of \(known)")
            }
            // Only that objective trains the layers below the one whose output is held.
            guard term != .rmu || self.method == .objective(RepresentationMisdirection.name) else {
                throw LetheError(.badData, "/options/keep_term: rmu goes with method rmu only")
            }
            keepTerm = term
        }
        if let weight = options.keepWeight { keepWeight = weight }
        if let layers = options.layers { layerCount = layers }
        if let name = options.targeting {
            guard let mode = LayerTargeting.Mode(rawValue: name) else {
                let known = LayerTargeting.Mode.allCases.map(\.rawValue).joined(separator: ", ")
                throw LetheError(.badData, "/options/targeting: must be one of \(known)")
            }
            targeting = mode
        }
        if let rate = options.learningRate { learningRate = rate }
        if let epochs = options.epochs { self.epochs = epochs }
        if let seed = options.seed { self.seed = seed }
    }

    private init(
        preset: String, method: Method, reweighting: TokenReweighting, keepTerm: KeepTerm, keepWeight: Double,
        keepSequences: Int, layerCount: Int, targeting: LayerTargeting.Mode, learningRate: Double, epochs: Int,
        window: Int, stepsPerWindow: Bool, stopsAtTarget: Bool, stopTolerance: Double, siblings: Int,
        filter: RedundancyFilter, usesFilter: Bool, normalizesWeights: Bool, seed: UInt64
    ) {
        self.preset = preset
        self.method = method
        self.reweighting = reweighting
        self.keepTerm = keepTerm
        self.keepWeight = keepWeight
        self.keepSequences = keepSequences
        self.layerCount = layerCount
        self.targeting = targeting
        self.learningRate = learningRate
        self.epochs = epochs
        self.window = window
        self.stepsPerWindow = stepsPerWindow
        self.stopsAtTarget = stopsAtTarget
        self.stopTolerance = stopTolerance
        self.siblings = siblings
        self.filter = filter
        self.usesFilter = usesFilter
        self.normalizesWeights = normalizesWeights
        self.seed = seed
    }
}

import LetheCore
import LetheModel
import LetheUnlearning

/// What may follow a method's name after a colon.
public enum BenchmarkModifier {
    /// The keys of `key=value`.
    public static let keys = [
        "learning-rate", "epochs", "layers", "targeting", "keep-term", "keep-weight", "keep-sequences", "reweighting",
        "method", "window", "siblings", "stop-tolerance", "damping", "output-damping", "weight-decay",
        "optimizer", "neighbour-weight", "rounding", "repair", "rehearsal",
    ]

    /// The modifiers without a value.
    public static let flags = [
        "no-filter", "no-importance", "no-targeting", "no-reweighting", "no-stop", "no-keep",
        "no-output-damping", "no-rounding", "no-repair", "no-rehearsal", "no-shared-phrases", "no-detached-sink",
    ]

    /// Changes settings.
    /// - Throws: `usage` naming what is not known or out of range.
    static func apply(_ modifier: String, to settings: inout UnlearningSettings) throws {
        guard let equals = modifier.firstIndex(of: "=") else { return try applyFlag(modifier, to: &settings) }
        let key = String(modifier[..<equals])
        let value = String(modifier[modifier.index(after: equals)...])
        switch key {
        case "learning-rate":
            settings.learningRate = try number(key, value, in: RequestOptions.Bounds.learningRate)
        case "epochs": settings.epochs = try whole(key, value, in: RequestOptions.Bounds.epochs)
        case "layers":
            if value == "all" {
                trainEveryLayer(&settings)
            } else {
                settings.layerCount = try whole(key, value, in: RequestOptions.Bounds.layers)
            }
        case "targeting": settings.targeting = try named(key, value, LayerTargeting.Mode.allCases)
        case "keep-term":
            let term = try named(key, value, KeepTerm.allCases)
            guard term != .rmu || settings.method == .objective(RepresentationMisdirection.name) else {
                throw LetheError(.usage, "method: keep-term rmu goes with rmu only")
            }
            settings.keepTerm = term
        case "keep-weight": settings.keepWeight = try number(key, value, in: RequestOptions.Bounds.keepWeight)
        case "keep-sequences": settings.keepSequences = try whole(key, value, in: 1...1024)
        case "reweighting":
            guard let reweighting = try? TokenReweighting.named(value) else {
                throw unknown(key, TokenReweighting.names)
            }
            settings.reweighting = reweighting
        case "method":
            if value == "fit" {
                settings.method = .fit(.published)
            } else if ForgetObjectives.names.contains(value) {
                settings.choose(value)
            } else {
                throw unknown(key, ["fit"] + ForgetObjectives.names)
            }
        case "window": settings.window = try whole(key, value, in: 2...(1 << 20))
        case "siblings": settings.siblings = try whole(key, value, in: 1...64)
        case "damping", "output-damping", "weight-decay": try applyToOptimizer(key, value, &settings.optimizer)
        case "optimizer":
            guard let optimizer = Optimizer(named: value) else { throw unknown(key, Optimizer.names) }
            settings.optimizer = optimizer
        case "rounding": settings.rounding = try named(key, value, WeightFormat.allCases)
        case "rehearsal": settings.rehearsalTokens = try whole(key, value, in: 0...1_000_000)
        case "repair": settings.repairTokens = try whole(key, value, in: 0...1_000_000)
        case "neighbour-weight": settings.neighbourWeight = try number(key, value, in: 0...1000)
        case "stop-tolerance": settings.stopTolerance = try number(key, value, in: 0...100)
        default: throw unknown("modifier", flags + keys.map { "\($0)=..." })
        }
    }

    private static func applyToOptimizer(_ key: String, _ value: String, _ optimizer: inout Optimizer) throws {
        switch (key, optimizer) {
        case ("damping", .adamW(var settings)):
            settings.damping = Float(try number(key, value, in: 0...1000))
            optimizer = .adamW(settings)
        case ("weight-decay", .adamW(var settings)):
            settings.weightDecay = Float(try number(key, value, in: 0...1))
            optimizer = .adamW(settings)
        case ("damping", .naturalGradient(var settings)):
            settings.damping = try number(key, value, in: 1e-6...1e6)
            optimizer = .naturalGradient(settings)
        case ("output-damping", .naturalGradient(var settings)):
            settings.outputDamping = try number(key, value, in: 1e-6...1e6)
            optimizer = .naturalGradient(settings)
        case ("no-output-damping", .naturalGradient(var settings)):
            settings.outputDamping = nil
            optimizer = .naturalGradient(settings)
        default: throw LetheError(.usage, "method: \(key) does not go with the method's optimizer")
        }
    }

    /// More layers than a model has means all of them, without asking which.
    static func trainEveryLayer(_ settings: inout UnlearningSettings) {
        settings.layerCount = RequestOptions.Bounds.layers.upperBound
        settings.targeting = .middle
    }

    private static func applyFlag(_ flag: String, to settings: inout UnlearningSettings) throws {
        switch flag {
        case "no-filter": settings.usesFilter = false
        case "no-importance":
            guard case .fit = settings.method else {
                throw LetheError(.usage, "method: no-importance: this method does not choose by importance")
            }
            // What the published thresholds give the most important texts.
            settings.method = .objective(NegativePreference.name)
            settings.keepTerm = .klPublished
        case "no-targeting": trainEveryLayer(&settings)
        case "no-reweighting": settings.reweighting = .none
        case "no-stop": settings.stopsAtTarget = false
        case "no-keep": settings.keepTerm = .none
        case "no-rounding": settings.rounding = nil
        case "no-repair": settings.repairTokens = 0
        case "no-output-damping":
            try applyToOptimizer(flag, "", &settings.optimizer)
        case "no-rehearsal": settings.rehearsalTokens = 0
        case "no-shared-phrases": settings.sparesSharedPhrases = false
        case "no-detached-sink": settings.detachesSink = false
        default: throw unknown("modifier", flags + keys.map { "\($0)=..." })
        }
    }

    private static func unknown(_ what: String, _ known: [String]) -> LetheError {
        LetheError(.usage, "method: \(what): must be one of \(known.joined(separator: ", "))")
    }

    private static func number(_ key: String, _ value: String, in range: ClosedRange<Double>) throws -> Double {
        guard let number = Double(value), range.contains(number) else {
            throw LetheError(
                .usage, "method: \(key): must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func whole(_ key: String, _ value: String, in range: ClosedRange<Int>) throws -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw LetheError(
                .usage, "method: \(key): must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func named<Value: RawRepresentable>(_ key: String, _ value: String, _ all: [Value]) throws -> Value
    where Value.RawValue == String {
        guard let found = Value(rawValue: value) else { throw unknown(key, all.map(\.rawValue)) }
        return found
    }
}

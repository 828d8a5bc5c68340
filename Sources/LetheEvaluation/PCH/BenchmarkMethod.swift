import LetheCore
import LetheModel
import LetheUnlearning

/// A row of the benchmark: a way to carry out the requests, or a control.
public struct BenchmarkMethod: Sendable, Equatable {
    /// What is done at each request.
    enum Action: Sendable, Equatable {
        /// Nothing, to the original model.
        case keepOriginal
        /// Nothing, to the model that never saw the forget texts.
        case keepRetain
        /// An update.
        case update(UnlearningSettings)
    }

    /// As the caller wrote it; unique in a result.
    public let name: String
    /// The name to show.
    public let label: String
    /// Whether it is there to expose a fault of the benchmark.
    public let role: MethodResult.Role
    let action: Action

    /// The controls that every report carries: the original model, which nothing is done to; the retain model, which
    /// has to score 1; and plain gradient ascent on every layer, which has to collapse.
    public static var controls: [BenchmarkMethod] {
        get throws {
            [
                BenchmarkMethod(name: "no-op", label: "No-op", role: .control, action: .keepOriginal),
                BenchmarkMethod(name: "retain-model", label: "Retain model", role: .control, action: .keepRetain),
                BenchmarkMethod(
                    name: GradientAscent.name, label: "GA, all layers", role: .control,
                    action: .update(try alone(GradientAscent.name))),
            ]
        }
    }

    /// The base names that ``init(_:)`` knows.
    public static var baseNames: [String] { ["fit", "fit-published"] + ForgetObjectives.names }

    /// Parses `fit`, `fit-published` or an objective's name, each with modifiers after colons.
    ///
    /// | name | is |
    /// | --- | --- |
    /// | `fit` | Lethe's preset |
    /// | `fit-published` | FIT as published |
    /// | an objective | that loss alone, request after request, as FIT's baselines are run: its own keep term if it has one, all layers, no filter, no reweighting, no stop rule, the published rate and passes |
    ///
    /// Modifiers: `no-filter`, `no-importance`, `no-targeting` (all layers), `no-reweighting`, `no-stop`, `no-keep`,
    /// `no-rounding`, `no-repair`, and `key=value` for a key of ``BenchmarkModifier/keys``.
    /// - Throws: `usage` naming what is not known or out of range.
    public init(_ specification: String) throws {
        let parts = specification.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let base = parts[0]
        var settings: UnlearningSettings
        var label: String
        switch base {
        case "fit": (settings, label) = (.lethe, "FIT, Lethe")
        case "fit-published": (settings, label) = (.published, "FIT, published")
        case let name where ForgetObjectives.names.contains(name):
            (settings, label) = (try Self.alone(name), name)
        default:
            throw LetheError(
                .usage, "method: must begin with one of \(Self.baseNames.joined(separator: ", "))")
        }
        for modifier in parts.dropFirst() { try BenchmarkModifier.apply(modifier, to: &settings) }
        if parts.count > 1 { label += " (\(parts.dropFirst().joined(separator: ", ")))" }
        self.init(name: specification, label: label, role: .method, action: .update(settings))
    }

    private init(name: String, label: String, role: MethodResult.Role, action: Action) {
        self.name = name
        self.label = label
        self.role = role
        self.action = action
    }

    /// An objective as a baseline runs it.
    private static func alone(_ objective: String) throws -> UnlearningSettings {
        var options = RequestOptions()
        options.preset = "published"
        options.method = objective
        var settings = try UnlearningSettings(options)
        if ![.rmu, .pdu].contains(settings.keepTerm) { settings.keepTerm = .none }
        settings.usesFilter = false
        BenchmarkModifier.trainEveryLayer(&settings)
        return settings
    }

    /// The settings by name, as reports show them; empty for a control that changes nothing.
    public func settings(rateScale: Double = 1) -> [String: String] {
        guard case .update(let settings) = action else { return [:] }
        var method = ""
        switch settings.method {
        case .objective(let name): method = name
        case .fit(let thresholds): method = "by importance, \(thresholds.low) and \(thresholds.high)"
        }
        return [
            "preset": settings.preset, "objective": method, "reweighting": "\(settings.reweighting)",
            "keep_term": settings.keepTerm.rawValue, "keep_weight": "\(settings.keepWeight)",
            "keep_sequences": "\(settings.keepSequences)",
            "layers": settings.layerCount >= RequestOptions.Bounds.layers.upperBound
                ? "all" : "\(settings.layerCount) by \(settings.targeting.rawValue)",
            "optimizer": settings.optimizer.name,
            "learning_rate": "\(settings.scalingRate(by: rateScale).learningRate)", "epochs": "\(settings.epochs)",
            "window": "\(settings.window)", "stop_rule": settings.stopsAtTarget ? "on" : "off",
            "filter": settings.usesFilter ? "on" : "off", "rounding": settings.rounding?.rawValue ?? "none",
            "repair_tokens": "\(settings.repairTokens)",
            "rehearsal_tokens": "\(settings.rehearsalTokens)",
            "spares_shared_phrases": "\(settings.sparesSharedPhrases)",
            "detaches_sink": "\(settings.detachesSink)",
        ]
    }
}

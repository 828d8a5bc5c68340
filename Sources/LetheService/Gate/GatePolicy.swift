import Foundation
import LetheCore
import LetheUnlearning

/// What an update has to show before its generation may become the head: an operator's thresholds.
///
/// The JSON of a policy file has the sections `forget`, `utility`, `recovery` and `strengthen`; whatever a file leaves
/// out keeps its default, unknown fields are errors.
public struct GatePolicy: Sendable, Equatable {
    /// Nats by which an item's mean NLL may stay below the level of text that was never seen, where that level is
    /// known.
    public var targetTolerance = 1.0
    /// An item whose tokens have at most this probability in the geometric mean counts as forgotten, whatever its
    /// target.
    public var maximumProbability = 0.15
    /// Nats by which the mean NLL of keep texts may rise in one request.
    public var maximumKeepRise = 0.5
    /// Share of keep tokens predicted right that may be lost in one request.
    public var maximumKeepAccuracyLoss = 0.1
    /// Whether the recovery check runs.
    public var checksRecovery = true
    /// The most of what was forgotten, from 0 to 1, that the recovery check may bring back.
    public var maximumRecoveredShare = 0.5
    /// How often an update that misses a threshold is made again, stronger.
    public var attempts = 2
    /// What multiplies the number of passes each time.
    public var epochsFactor = 2.0
    /// What multiplies the learning rate each time, or divides it where only keep texts suffered.
    public var learningRateFactor = 1.5

    /// The defaults.
    public init() {}

    /// Reads a policy file.
    /// - Throws: ``LetheError`` with code `missing_input` when it cannot be read, `bad_data` naming the field.
    public init(contentsOf url: URL) throws {
        guard let data = try? Data(contentsOf: url) else {
            throw LetheError(.missingInput, "the policy file cannot be read")
        }
        try self.init(json: JSONParser.parse(data, context: "policy"))
    }

    /// Reads a policy.
    /// - Throws: ``LetheError`` with code `bad_data` naming the field.
    public init(json: JSONValue) throws {
        self.init()
        let policy = try FieldReader(json, pointer: "")
        try policy.allowOnly(["forget", "utility", "recovery", "strengthen"])
        func section(_ name: String, _ fields: Set<String>, _ read: (FieldReader) throws -> Void) throws {
            guard let value = policy[name] else { return }
            let reader = try FieldReader(value, pointer: policy.path(name))
            try reader.allowOnly(fields)
            try read(reader)
        }
        try section("forget", ["target_tolerance", "maximum_probability"]) { reader in
            targetTolerance = try reader.number("target_tolerance", in: 0...100) ?? targetTolerance
            maximumProbability = try reader.number("maximum_probability", in: 0...1) ?? maximumProbability
        }
        try section("utility", ["maximum_keep_nll_rise", "maximum_keep_accuracy_loss"]) { reader in
            maximumKeepRise = try reader.number("maximum_keep_nll_rise", in: 0...100) ?? maximumKeepRise
            maximumKeepAccuracyLoss =
                try reader.number("maximum_keep_accuracy_loss", in: 0...1) ?? maximumKeepAccuracyLoss
        }
        try section("recovery", ["enabled", "maximum_recovered_share"]) { reader in
            checksRecovery = try reader.boolean("enabled") ?? checksRecovery
            maximumRecoveredShare = try reader.number("maximum_recovered_share", in: 0...1) ?? maximumRecoveredShare
        }
        try section("strengthen", ["attempts", "epochs_factor", "learning_rate_factor"]) { reader in
            attempts = try reader.integer("attempts", in: 0...5) ?? attempts
            epochsFactor = try reader.number("epochs_factor", in: 1...10) ?? epochsFactor
            learningRateFactor = try reader.number("learning_rate_factor", in: 1...10) ?? learningRateFactor
        }
    }

    /// The mean NLL that goes with ``maximumProbability``, in nats.
    var forgottenLevel: Double { maximumProbability > 0 ? -log(maximumProbability) : .infinity }

    /// The settings of another try after an update that missed a threshold: more passes, at a higher rate when too
    /// little was forgotten or it came back, at a lower one when only keep texts suffered.
    package func retry(_ settings: UnlearningSettings, after verdict: GateVerdict) -> UnlearningSettings {
        var settings = settings
        let epochs = Double(settings.epochs) * epochsFactor
        settings.epochs = Int(min(epochs.rounded(.up), Double(RequestOptions.Bounds.epochs.upperBound)))
        let missed = Set(verdict.checks.filter { !$0.isPassed }.map(\.name))
        let factor = missed.isSubset(of: UpdateGate.utilityChecks) ? 1 / learningRateFactor : learningRateFactor
        let bounds = RequestOptions.Bounds.learningRate
        settings.learningRate = min(max(settings.learningRate * factor, bounds.lowerBound), bounds.upperBound)
        return settings
    }

    /// The policy as a file has it.
    public var json: JSONValue {
        [
            "forget": [
                "target_tolerance": .number(targetTolerance), "maximum_probability": .number(maximumProbability),
            ],
            "utility": [
                "maximum_keep_nll_rise": .number(maximumKeepRise),
                "maximum_keep_accuracy_loss": .number(maximumKeepAccuracyLoss),
            ],
            "recovery": [
                "enabled": .bool(checksRecovery), "maximum_recovered_share": .number(maximumRecoveredShare),
            ],
            "strengthen": [
                "attempts": .integer(Int64(attempts)), "epochs_factor": .number(epochsFactor),
                "learning_rate_factor": .number(learningRateFactor),
            ],
        ]
    }
}

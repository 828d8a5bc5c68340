import Foundation
import LetheCore

/// What an update did, in numbers; free of text.
public struct UnlearningRecord: Sendable, Equatable {
    /// How well the model knew the items: mean nll in nats, share of tokens predicted right, and the mean over items of
    /// exp(-mean nll).
    public struct Level: Sendable, Equatable {
        /// Mean nll, in nats.
        public var nll = 0.0
        /// Share of tokens predicted right.
        public var accuracy = 0.0
        /// Mean over items of exp(-mean nll).
        public var probability = 0.0

        /// Zeros.
        public init() {}

        /// Of some sequences: nll and accuracy over all tokens, probability over sequences.
        package init(_ statistics: BatchStatistics) {
            let tokens = statistics.nll.reduce(0) { $0 + $1.count }
            guard tokens > 0 else { return }
            nll = statistics.meanNLL(of: statistics.nll.indices)
            let correct = zip(statistics.predicted.joined(), statistics.actual.joined()).count { $0 == $1 }
            accuracy = Double(correct) / Double(tokens)
            probability =
                statistics.nll.indices.reduce(0) { $0 + exp(-statistics.meanNLL($1)) } / Double(statistics.nll.count)
        }

        var json: JSONValue {
            .object(
                JSONObject([
                    ("nll", .number(nll)), ("accuracy", .number(accuracy)), ("probability", .number(probability)),
                ]))
        }
    }

    /// `lethe` or `published`.
    public var preset = ""
    /// The objective's name.
    public var objective = ""
    /// What holds the rest of the model in place.
    public var keepTerm = ""
    /// Seed of every random choice.
    public var seed: UInt64 = 0
    /// Threads of the engine; sums may differ in their last bits between counts.
    public var threads = 0
    /// Chunks that the filter saw.
    public var chunks = 0
    /// Chunks that it kept.
    public var keptChunks = 0
    /// Whether nothing had to be changed.
    public var alreadyForgotten = false
    /// The importance score s; nil when nothing was left after filtering.
    public var importance: Double?
    /// Trained layers.
    public var layers: [Int] = []
    /// Mean loss change of each layer when skipped; empty when targeting did not measure it.
    public var layerChanges: [Double] = []
    /// Sequences that were trained on.
    public var sequences = 0
    /// Tokens of the batch or the items.
    public var tokens = 0
    /// Steps altogether, at most.
    public var steps = 0
    /// Mean of the token weights at the first step, before they are normalised.
    public var meanWeight = 0.0
    /// The never-seen level of the items, in nats; nil without a stop rule.
    public var targetNLL: Double?
    /// The never-seen level of each sequence, in nats; empty without a stop rule. Not in ``json``.
    public var targets: [Double] = []
    /// Mean nll of each sequence after the update, in nats. Not in ``json``.
    public var afterNLL: [Double] = []
    /// Whether every item reached its target.
    public var reachedTarget = false
    /// The items before the update.
    public var before = Level()
    /// The items after it.
    public var after = Level()
    /// Some keep texts before the update.
    public var keepBefore = Level()
    /// The same after it.
    public var keepAfter = Level()
    /// Seconds by phase: filter, importance, targeting, targets, training.
    public var seconds: [(phase: String, seconds: Double)] = []

    /// An empty record.
    public init() {}

    /// Whether two updates did the same; times do not count.
    public static func == (a: UnlearningRecord, b: UnlearningRecord) -> Bool {
        // Times differ between equal runs.
        var (a, b) = (a, b)
        a.seconds = []
        b.seconds = []
        return a.json == b.json
    }

    /// The record as the API shows it.
    public var json: JSONValue {
        func optional(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        return .object(
            JSONObject([
                ("preset", .string(preset)), ("objective", .string(objective)), ("keep_term", .string(keepTerm)),
                ("seed", .integer(Int64(clamping: seed))), ("threads", .integer(Int64(threads))),
                ("chunks", .integer(Int64(chunks))), ("kept_chunks", .integer(Int64(keptChunks))),
                ("already_forgotten", .bool(alreadyForgotten)), ("importance", optional(importance)),
                ("layers", .array(layers.map { .integer(Int64($0)) })),
                ("layer_changes", .array(layerChanges.map { .number($0) })),
                ("sequences", .integer(Int64(sequences))), ("tokens", .integer(Int64(tokens))),
                ("steps", .integer(Int64(steps))), ("mean_weight", .number(meanWeight)),
                ("target_nll", optional(targetNLL)), ("reached_target", .bool(reachedTarget)),
                ("before", before.json), ("after", after.json), ("keep_before", keepBefore.json),
                ("keep_after", keepAfter.json),
                ("seconds", .object(JSONObject(seconds.map { ($0.phase, .number($0.seconds)) }))),
            ]))
    }
}

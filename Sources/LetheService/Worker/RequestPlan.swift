import Foundation
import LetheCore
import LetheModel
import LetheStore
import LetheUnlearning

/// What a request would do to a model as it is now, and what that would cost. Nothing of it is kept.
public struct RequestPlan: Sendable {
    /// The part that the model has a say in.
    public struct Work: Sendable, Equatable {
        /// Up to so many tokens the importance is measured; beyond, it is a matter for the update itself.
        static let inspectionTokens = 4096

        /// Chunks of the items' texts.
        public var chunks = 0
        /// Chunks that the redundancy filter keeps.
        public var keptChunks = 0
        /// What would be trained on.
        public var sequences = 0
        /// Tokens whose prediction would be unlearned.
        public var tokens = 0
        /// Nil where the update chooses it.
        public var objective: String?
        /// Nil where the update chooses it.
        public var keepTerm: String?
        /// The importance score; nil when it was not measured.
        public var importance: Double?
        /// Nil where the update chooses them.
        public var layers: [Int]?
        /// Seconds of one pass over the items, forward and backward; nil when there was none.
        public var passSeconds: Double?

        /// Looks at a request with a model of one's own.
        /// - Parameter check: called between pieces of work; throwing from it abandons them.
        /// - Throws: as ``Unlearner/apply(_:settings:importance:progress:)``.
        init(
            _ request: ErasureRequest, settings: UnlearningSettings, model: LanguageModel,
            embedder: any TextEmbedder, snapshot: MemorySnapshot, check: () throws -> Void
        ) throws {
            let memory = ForgetMemory(dimension: embedder.dimension)
            for start in stride(from: 0, to: snapshot.count * snapshot.dimension, by: max(1, snapshot.dimension)) {
                try memory.append([Array(snapshot.vectors[start..<start + snapshot.dimension])])
            }
            let rest = try Unlearner.remaining(
                request.items, settings: settings, memory: memory, embedder: embedder, model: model)
            (chunks, keptChunks) = (rest.chunks, rest.keptChunks)
            try check()
            let parts = try rest.items.flatMap {
                try TrainingSequence.sequences(of: $0, model: model, window: settings.window)
            }
            sequences = parts.count
            tokens = parts.reduce(0) { $0 + $1.targetCount }
            guard tokens > 0 else { return }
            var inspection: GradientInspection?
            if tokens <= Self.inspectionTokens {
                let start = ContinuousClock.now
                inspection = try GradientInspection(model, parts, withLayerNorms: false)
                passSeconds = (ContinuousClock.now - start).seconds
                importance = inspection?.inputEmbeddingNorm
                try check()
            }
            switch settings.method {
            case .objective(let name): (objective, keepTerm) = (name, settings.keepTerm.rawValue)
            case .fit(let thresholds):
                if let importance {
                    let choice = thresholds.choice(importance)
                    (objective, keepTerm) = (choice.objective, choice.keepTerm.rawValue)
                }
            }
            layers = try Self.targeted(settings, objective, inspection, model.configuration)
        }

        private static func targeted(
            _ settings: UnlearningSettings, _ objective: String?, _ inspection: GradientInspection?,
            _ configuration: DecoderConfiguration
        ) throws -> [Int]? {
            if let objective,
                let last = try ForgetObjectives.named(objective, configuration: configuration, seed: settings.seed)
                    .lastLayer
            {
                return LayerTargeting.ending(at: last, count: settings.layerCount)
            }
            switch settings.targeting {
            // Measured by leaving out one layer after the other, which is half of an update.
            case .exact, .contrast: return nil
            case .gradient:
                return inspection.map {
                    LayerTargeting.largest(LayerTargeting.estimatedChanges($0), count: settings.layerCount)
                }
            case .middle:
                return LayerTargeting.middle(layerCount: configuration.layerCount, count: settings.layerCount)
            }
        }
    }

    /// What the time is estimated from.
    public enum Basis: Sendable, Equatable {
        /// The time for a token in so many requests that were applied to the model.
        case history(requests: Int)
        /// One pass over the items, as often as there may be, and once more for what is to be kept.
        case onePass
    }

    /// The model.
    public var model: String
    /// Its head, which the plan is about.
    public var generation: Int
    /// Items of the request.
    public var items: Int
    /// Requests that wait or are being worked on.
    public var openRequests: Int
    /// How it would be carried out.
    public var settings: UnlearningSettings
    /// What the model says.
    public var work: Work
    /// Seconds, and what they are estimated from.
    public var estimate: (seconds: Double, basis: Basis)?
    /// Kept generations, which all hold the content until they are purged.
    public var holdingGenerations: [Int]

    /// Puts a plan together.
    /// - Parameter history: seconds and tokens of requests that were applied to the model.
    init(
        model: String, generation: Int, items: Int, openRequests: Int, settings: UnlearningSettings, work: Work,
        history: [(seconds: Double, tokens: Int)], holdingGenerations: [Int]
    ) {
        self.model = model
        self.generation = generation
        self.items = items
        self.openRequests = openRequests
        self.settings = settings
        self.work = work
        self.holdingGenerations = holdingGenerations
        let rates = history.filter { $0.tokens > 0 }.map { $0.seconds / Double($0.tokens) }.sorted()
        if work.tokens == 0 {
            estimate = nil
        } else if !rates.isEmpty {
            estimate = (rates[rates.count / 2] * Double(work.tokens), .history(requests: rates.count))
        } else if let pass = work.passSeconds {
            let passes = Double(settings.epochs) * (settings.keepTerm == .none ? 1 : 2)
            estimate = (pass * (1 + passes), .onePass)
        }
    }

    /// The object of the API.
    public var json: JSONValue {
        let basis: JSONValue =
            switch estimate?.basis {
            case .history(let count): ["kind": "history", "requests": .integer(Int64(count))]
            case .onePass: ["kind": "one_pass", "passes_at_most": .integer(Int64(settings.epochs))]
            case nil: .null
            }
        func integers(_ values: [Int]) -> JSONValue { .array(values.map { .integer(Int64($0)) }) }
        func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        return [
            "dry_run": true, "model": .string(model), "generation": .integer(Int64(generation)),
            "items": .integer(Int64(items)), "open_requests": .integer(Int64(openRequests)),
            "chunks": .integer(Int64(work.chunks)), "kept_chunks": .integer(Int64(work.keptChunks)),
            "already_forgotten": .bool(work.tokens == 0), "sequences": .integer(Int64(work.sequences)),
            "tokens": .integer(Int64(work.tokens)), "preset": .string(settings.preset),
            "objective": optional(work.objective), "keep_term": optional(work.keepTerm),
            "importance": work.importance.map { .number($0) } ?? .null,
            "targeting": .string(settings.targeting.rawValue), "layer_count": .integer(Int64(settings.layerCount)),
            "layers": work.layers.map(integers) ?? .null, "epochs": .integer(Int64(settings.epochs)),
            "estimated_seconds": estimate.map { .number($0.seconds) } ?? .null, "estimate_basis": basis,
            "holding_generations": integers(holdingGenerations),
        ]
    }
}

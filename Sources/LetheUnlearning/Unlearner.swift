import Foundation
import LetheCore
import LetheCorpus
import LetheModel
import LetheTensor

/// Makes a model forget, request after request (FIT, Xu et al. 2026, with the stop rule and the token weights of
/// ``UnlearningSettings``).
///
/// Not Sendable: one owner runs it. A request either succeeds, or throws and leaves the model's weights as they were.
public final class Unlearner {
    /// Where an update stands.
    public struct Progress: Sendable {
        /// filter, importance, targeting, targets, rehearsal or training.
        public var phase: String
        /// Steps done, and the most there can be.
        public var step: Int
        /// Steps altogether, at most.
        public var steps: Int
        /// Mean nll of the items at this step; nil before training.
        public var forgetNLL: Double?
        /// Mean nll of the step's keep sequences, in nats; nil without any.
        public var keepNLL: Double?
    }

    /// What a request led to.
    public struct Outcome {
        /// Numbers for the caller and the certificate.
        public var record: UnlearningRecord
        /// Vectors that enter the memory once the request is applied.
        public var memoryVectors: [[Float]]
        /// Layers whose weights changed; empty when nothing was.
        public var changedLayers: [Int]
    }

    /// The model that is changed.
    public let model: LanguageModel
    /// The model as it was before any request: reference of NPO and KL, and judge of what never-seen text looks like.
    public let original: LanguageModel
    /// Chunks forgotten so far; the caller adds ``Outcome/memoryVectors`` once a request is durable.
    public let memory: ForgetMemory
    private let embedder: any TextEmbedder
    private let keep: [ForgetItem]
    /// The keep texts of the last request, which most requests share.
    private var corpus: (items: [ForgetItem], window: Int, texts: KeepCorpus)?

    /// Prepares for requests.
    /// - Parameters:
    ///   - model: what is changed; may share weights with `original`.
    ///   - keep: the operator's keep texts; may be empty.
    public init(
        model: LanguageModel, original: LanguageModel, embedder: any TextEmbedder, memory: ForgetMemory,
        keep: [ForgetItem] = []
    ) {
        self.model = model
        self.original = original
        self.embedder = embedder
        self.memory = memory
        self.keep = keep
    }

    /// Carries out one request on the model in memory. Nothing is written to disk.
    ///
    /// - Parameters:
    ///   - importance: which words of the items matter; nil: all the same.
    ///   - progress: called between steps; throwing from it abandons the request.
    /// - Throws: `bad_data` or `limit_exceeded` for items that cannot be tokenised or do not fit, `bad_data` for an
    ///   importance mask that leaves no token a weight, what `progress` throws.
    public func apply(
        _ request: ErasureRequest, settings: UnlearningSettings, importance: ImportanceMask? = nil,
        progress: (Progress) throws -> Void = { _ in }
    ) throws -> Outcome {
        let saved = model.decoder.weights
        do {
            return try perform(request, settings: settings, importance: importance, progress: progress)
        } catch {
            model.decoder.weights = saved
            throw error
        }
    }

    // MARK: The phases

    private func perform(
        _ request: ErasureRequest, settings: UnlearningSettings, importance: ImportanceMask?,
        progress: (Progress) throws -> Void
    ) throws -> Outcome {
        var record = UnlearningRecord()
        record.preset = settings.preset
        record.seed = settings.seed
        record.threads = Engine.threadCount
        func timed<Result>(_ phase: String, _ body: () throws -> Result) throws -> Result {
            try progress(Progress(phase: phase, step: 0, steps: settings.epochs, forgetNLL: nil, keepNLL: nil))
            let start = DispatchTime.now().uptimeNanoseconds
            let result = try body()
            record.seconds.append((phase, Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9))
            return result
        }

        var vectors: [[Float]] = []
        let items = try timed("filter") { try filtered(request.items, settings, &record, &vectors) }
        let groups = try items.map { item in
            var parts = try TrainingSequence.sequences(of: item, model: model, window: settings.window)
            if let importance {
                for part in parts.indices {
                    parts[part].importance = importance.factors(parts[part], tokenizer: model.tokenizer)
                }
            }
            return parts
        }
        let sequences = groups.flatMap { $0 }
        record.sequences = sequences.count
        record.tokens = sequences.reduce(0) { $0 + $1.targetCount }
        guard !sequences.isEmpty else {
            record.alreadyForgotten = true
            return Outcome(record: record, memoryVectors: [], changedLayers: [])
        }

        guard importance == nil || sequences.contains(where: { $0.importance?.contains { $0 > 0 } ?? true }) else {
            throw LetheError(.badData, "the importance mask leaves no token of the items a weight")
        }

        let inspection = try timed("importance") {
            try GradientInspection(model, sequences, withLayerNorms: false)
        }
        record.importance = inspection.inputEmbeddingNorm
        var objectiveName: String
        var keepTerm = settings.keepTerm
        switch settings.method {
        case .objective(let name): objectiveName = name
        case .fit(let thresholds): (objectiveName, keepTerm) = thresholds.choice(inspection.inputEmbeddingNorm)
        }
        let objective = try ForgetObjectives.named(
            objectiveName, configuration: model.configuration, seed: settings.seed)
        record.objective = objectiveName
        record.keepTerm = keepTerm.rawValue

        let holdsTexts = settings.optimizer.followsLoss
        if holdsTexts {
            guard objective is any TokenObjective, objective.isBounded else {
                throw LetheError(
                    .usage, "a natural gradient needs a loss that can reach 0, such as \(LevelRegression.name)")
            }
        }
        let corpus =
            keepTerm == .none && settings.targeting != .contrast && !holdsTexts
            ? nil : try keepCorpus(request, settings)
        let keepTexts = corpus?.sequences(without: sequences) ?? []
        let layers = try timed("targeting") {
            try targetLayers(
                sequences, settings, inspection, lastLayer: objective.lastLayer, keepTexts, &record)
        }
        // What the widest batches leave in the pool is more than a model that fills the memory has room for.
        if model.decoder.weights.hasFrozenMatrices { BufferPool.shared.trim() }
        let sparesPhrases = settings.sparesSharedPhrases && [.copyright, .harmful].contains(request.category)
        let (neverSeen, neighbours, siblings) =
            settings.stopsAtTarget || objective.needsCounterfactuals || objective.needsLevels || holdsTexts
            ? try timed("targets") {
                try NeverSeenReference.of(
                    items, groups, common: sparesPhrases ? keepTexts : [], original: original, settings: settings,
                    withCounterfactuals: objective.needsCounterfactuals)
            } : ([], [], [])
        let rehearsed =
            holdsTexts && settings.rehearsalTokens > 0
            ? try timed("rehearsal") {
                try rehearse(request, items, sequences: sequences, siblings: siblings, settings)
            } : []
        try timed("training") {
            let losses = try StepLosses(
                objective: objective, keepTerm: keepTerm, settings: settings, original: original, sequences: sequences,
                neverSeen: neverSeen, neighbours: neighbours, corpus: keepTexts)
            let held = HeldTexts(
                model, items: sequences, siblings: siblings, rehearsed: rehearsed, corpus: keepTexts,
                keepNLL: corpus?.nll ?? RememberedNLL(original), seed: settings.seed)
            let loop = UpdateLoop(
                model: model, original: original, settings: settings, sequences: sequences,
                levels: neverSeen.map(\.level), losses: losses, held: held, before: inspection.statistics)
            try loop.run(layers: layers, record: &record, progress: progress)
        }
        return Outcome(
            record: record, memoryVectors: vectors, changedLayers: record.steps > 0 ? layers : [])
    }

    /// Texts and answers of the original, in the items' form and in those of some keep texts.
    private func rehearse(
        _ request: ErasureRequest, _ items: [ForgetItem], sequences: [TrainingSequence], siblings: [TrainingSequence],
        _ settings: UnlearningSettings
    ) throws -> [RememberedText] {
        let seed = sequences.seed(settings.seed)
        let forms =
            [RehearsedForm(items: items, sequences: sequences, others: siblings)]
            + (try RehearsedForm.ofKeepTexts(
                request.keep + keep, but: request.items, count: Self.keepForms, model: model,
                window: settings.window, seed: seed))
        let own = OwnRuns(of: sequences, beside: siblings)
        let tokens = settings.rehearsalTokens
        let texts = try Rehearsal.texts(of: forms, own: own, tokens: tokens, model: original, seed: seed)
        let answers = try RehearsedAnswers.pairs(about: texts, of: forms, own: own, tokens: tokens, model: original)
        let written = texts.flatMap { $0 }
        return zip(written, try original.nll(of: written)).map { RememberedText(sequence: $0, nll: $1) } + answers
    }

    private func filtered(
        _ items: [ForgetItem], _ settings: UnlearningSettings, _ record: inout UnlearningRecord,
        _ vectors: inout [[Float]]
    ) throws -> [ForgetItem] {
        let rest = try Self.remaining(items, settings: settings, memory: memory, embedder: embedder, model: model)
        (record.chunks, record.keptChunks, vectors) = (rest.chunks, rest.keptChunks, rest.vectors)
        return rest.items
    }

    /// What the redundancy filter leaves of items.
    public struct Remaining {
        /// Texts without the chunks that were dropped, and the pairs.
        public var items: [ForgetItem]
        /// Chunks that were looked at.
        public var chunks = 0
        /// Chunks that were kept.
        public var keptChunks = 0
        /// The kept chunks' vectors.
        public var vectors: [[Float]] = []
    }

    /// Drops what was forgotten before. Changes nothing.
    /// - Throws: what the embedder and the model throw.
    public static func remaining(
        _ items: [ForgetItem], settings: UnlearningSettings, memory: ForgetMemory, embedder: any TextEmbedder,
        model: LanguageModel
    ) throws -> Remaining {
        guard settings.usesFilter else { return Remaining(items: items) }
        var remaining = Remaining(items: [])
        for item in items {
            // A pair is one thing; only texts are cut into chunks that can be dropped.
            guard case .text(let text) = item else {
                remaining.items.append(item)
                continue
            }
            let result = try settings.filter.filter(text, memory: memory, embedder: embedder, model: model)
            remaining.chunks += result.chunkCount
            remaining.keptChunks += result.keptCount
            remaining.vectors += result.keptVectors
            if try model.encode(result.text).count > 1 { remaining.items.append(.text(result.text)) }
        }
        return remaining
    }

    private func targetLayers(
        _ sequences: [TrainingSequence], _ settings: UnlearningSettings, _ inspection: GradientInspection,
        lastLayer: Int?, _ keep: [TrainingSequence], _ record: inout UnlearningRecord
    ) throws -> [Int] {
        if let lastLayer {
            record.layers = LayerTargeting.ending(at: lastLayer, count: settings.layerCount)
            return record.layers
        }
        switch settings.targeting {
        case .exact: record.layerChanges = try LayerMasking.measure(model, sequences[0]).changes
        case .contrast:
            record.layerChanges = LayerTargeting.contrast(
                try LayerMasking.measure(model, sequences[0]).changes, keep: try keepChanges(keep))
        case .gradient: record.layerChanges = LayerTargeting.estimatedChanges(inspection)
        case .middle:
            record.layers = LayerTargeting.middle(
                layerCount: model.configuration.layerCount, count: settings.layerCount)
            return record.layers
        }
        record.layers = LayerTargeting.largest(record.layerChanges, count: settings.layerCount)
        return record.layers
    }

    /// What skipping each layer of the original model does to the loss of some keep texts, on average.
    private func keepChanges(_ keep: [TrainingSequence]) throws -> [Double] {
        let measured = keep.prefix(Self.contrastTexts)
        var sums = [Double](repeating: 0, count: original.configuration.layerCount)
        for sequence in measured {
            let changes = try LayerMasking.measure(original, sequence).changes
            for layer in sums.indices { sums[layer] += changes[layer] / Double(measured.count) }
        }
        return sums
    }

    /// Forms of keep texts that are rehearsed beside the items' own.
    static let keepForms = 2
    /// Keep texts that an item is compared with in ``LayerTargeting/Mode/contrast``.
    static let contrastTexts = 4

    private func keepCorpus(_ request: ErasureRequest, _ settings: UnlearningSettings) throws -> KeepCorpus {
        let items = request.keep + keep
        if let corpus, corpus.items == items, corpus.window == settings.window { return corpus.texts }
        let texts =
            items.isEmpty
            ? try KeepCorpus(writtenBy: original, seed: settings.seed)
            : try KeepCorpus(items, model: original, window: settings.window)
        corpus = (items, settings.window, texts)
        return texts
    }
}

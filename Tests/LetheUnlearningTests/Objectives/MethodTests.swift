import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheTokenizers
import LetheUnlearning
import Testing

/// Whole requests with each method on the tiny model that knows the fixture's item.
@Suite struct MethodTests {
    private static let text = "Name: Orla Fenwick. Street: 9 Sable Court. Work: she mends the ferry's ropes."
    private static let pair = ForgetItem.pair(prompt: "Where does Orla Fenwick live?", completion: " At 9 Sable Court.")

    private static let kept: [ForgetItem] = [
        .text("The lamp on Marrow Island is lit at 6:30."), .text("Ines sings with the night crew, on pier 3."),
    ]

    private struct Run {
        let original: LanguageModel
        let model: LanguageModel
        let record: UnlearningRecord
    }

    private func run(
        _ method: String, items: [ForgetItem] = [.text(text), pair], keep: [ForgetItem] = kept,
        importance: ImportanceMask? = nil, change: (inout UnlearningSettings) -> Void = { _ in }
    ) throws -> Run {
        let original = try ObjectiveFixture().reference
        let model = try original.sharing(original.decoder.weights)
        var options = RequestOptions()
        options.method = method
        options.layers = 2
        options.epochs = 4
        options.learningRate = 2e-3
        var settings = try UnlearningSettings(options)
        settings.usesFilter = false
        settings.stopsAtTarget = false
        change(&settings)
        let embedder = HiddenStateEmbedder(original)
        let unlearner = Unlearner(
            model: model, original: original, embedder: embedder,
            memory: ForgetMemory(dimension: embedder.dimension), keep: keep)
        let request = ErasureRequest(category: .personal, items: items)
        return Run(
            original: original, model: model,
            record: try unlearner.apply(request, settings: settings, importance: importance).record)
    }

    @Test(arguments: ForgetObjectives.names)
    func `a request with each method makes the items less known`(method: String) throws {
        let record = try run(method).record
        #expect(record.objective == method)
        #expect(record.keepTerm == (["rmu": "rmu", "pdu": "pdu"][method] ?? "gd"))
        #expect(record.steps == 4)
        #expect(record.after.nll.isFinite && record.keepAfter.nll.isFinite)
        // What rmu moves is looked at below; the nll follows only once activations are far from where they were.
        if method != "rmu" { #expect(record.after.nll > record.before.nll + 0.01) }
    }

    @Test func `the default brings the items to the level of text never seen, and leaves keep texts alone`() throws {
        let run = try run("fit") {
            var own = UnlearningSettings.lethe
            own.layerCount = $0.layerCount
            own.usesFilter = false
            $0 = own
        }
        let record = run.record
        #expect(record.objective == "level" && record.keepTerm == "none" && record.steps > 0)
        let target = try #require(record.targetNLL)
        #expect(record.after.nll > 0.5 * target && record.after.nll < 2 * target)
        #expect(record.keepAfter.nll - record.keepBefore.nll < 0.2 * (record.after.nll - record.before.nll))
    }

    @Test(arguments: [WeightFormat.int4Group32, .nf4, .q4_0])
    func `what is forgotten in a rounded format too does not come back in it`(format: WeightFormat) throws {
        let items = [ForgetItem.text(Self.text)]
        /// Nats, and how many of them are too many.
        func distanceToTarget(_ rounding: WeightFormat?) throws -> (missing: Double, allowed: Double) {
            let run = try run("fit", items: items) {
                var own = UnlearningSettings.lethe
                own.layerCount = $0.layerCount
                own.usesFilter = false
                // Holds less than usual, and takes small steps, which end a little short of the target and not beyond it:
                // otherwise the update is too large on this model for rounding to undo any of it.
                own.optimizer = .naturalGradient(NaturalGradient.Settings(damping: 0.2))
                own.learningRate = 0.05
                own.stopTolerance = 0.3
                own.epochs = 100
                own.rounding = rounding
                own.repairTokens = 0
                own.rehearsalTokens = 0
                $0 = own
            }
            #expect(run.record.reachedTarget)
            let sequences = try items.flatMap {
                try TrainingSequence.sequences(of: $0, model: run.original, window: 256)
            }
            let rounded = try run.model.rounded(to: format, layers: run.record.layers)
            let nll = try rounded.statistics(of: sequences).meanNLL(of: sequences.indices)
            let target = try #require(run.record.targetNLL)
            // A tenth of the way.
            let way = target - run.record.before.nll
            return (target - nll, max(0.3, 0.1 * way))
        }
        let without = try distanceToTarget(nil)
        #expect(without.missing > without.allowed)
        let with = try distanceToTarget(format)
        // The last step is shortened as if the level went up evenly along it.
        #expect(with.missing <= 1.1 * with.allowed && with.missing < without.missing)
    }

    @Test func `keep texts that an update moved are brought back, and the items stay forgotten`() throws {
        func record(repairTokens: Int) throws -> UnlearningRecord {
            try run("fit") {
                var own = UnlearningSettings.lethe
                own.rehearsalTokens = 0
                own.layerCount = $0.layerCount
                own.usesFilter = false
                // Holds little, and goes a part of the way.
                own.optimizer = .naturalGradient(NaturalGradient.Settings(damping: 1, outputDamping: nil))
                own.epochs = 1
                own.repairTokens = repairTokens
                $0 = own
            }.record
        }
        let without = try record(repairTokens: 0)
        let with = try record(repairTokens: 64)
        #expect(with.steps == without.steps && with.keepBefore == without.keepBefore)
        let risen = without.keepAfter.nll - without.keepBefore.nll
        #expect(risen > 0.05)
        #expect(with.keepAfter.nll - with.keepBefore.nll < 0.7 * risen)
        #expect(with.after.nll > with.before.nll + 0.8 * (without.after.nll - without.before.nll))
    }

    @Test func `with damped outputs keep texts are moved less on the way`() throws {
        func record(_ damping: Double?) throws -> UnlearningRecord {
            try run("fit") {
                var own = UnlearningSettings.lethe
                own.rehearsalTokens = 0
                own.repairTokens = 0
                own.layerCount = $0.layerCount
                own.usesFilter = false
                // Their inputs are hardly held.
                own.optimizer = .naturalGradient(NaturalGradient.Settings(damping: 10, outputDamping: damping))
                own.rounding = nil
                $0 = own
            }.record
        }
        let (without, with) = (try record(nil), try record(0.1))
        #expect(with.reachedTarget && without.reachedTarget && with.keepBefore == without.keepBefore)
        #expect(with.keepAfter.nll < without.keepAfter.nll)
    }

    @Test func `a keep text that is to be deleted is neither held nor brought back`() throws {
        func record(_ keep: [ForgetItem]) throws -> UnlearningRecord {
            try run("fit", keep: keep) {
                var own = UnlearningSettings.lethe
                own.layerCount = $0.layerCount
                own.usesFilter = false
                $0 = own
            }.record
        }
        let record = try record([.text(Self.text), Self.pair] + Self.kept)
        let target = try #require(record.targetNLL)
        #expect(record.reachedTarget && record.after.nll > 0.8 * target)
    }

    @Test func `a natural gradient without a loss that can reach 0 is refused`() throws {
        #expect(throws: LetheError.self) {
            _ = try run("ga") { $0.optimizer = .naturalGradient(NaturalGradient.Settings()) }
        }
        var settings = UnlearningSettings.lethe
        settings.choose("npo")
        #expect(settings.optimizer == .adamW(AdamW.Settings()) && settings.keepTerm == .gd)
    }

    @Test(arguments: ["dpo", "rmu"])
    func `the same seed gives the same bytes`(method: String) throws {
        let runs = try (0..<2).map { _ in try run(method) }
        #expect(try ModelTensors.read(runs[0].model) == ModelTensors.read(runs[1].model))
        #expect(runs[0].record == runs[1].record)
        #expect(try ModelTensors.read(runs[0].model) != ModelTensors.read(runs[0].original))
    }

    @Test(arguments: ["random-label", "undial", "dpo"])
    func `an item below its target is trained until it is there`(method: String) throws {
        let record = try run(method, items: [.text(Self.text)]) { settings in
            settings.stopsAtTarget = true
            settings.epochs = 20
        }.record
        let target = try #require(record.targetNLL)
        #expect(record.before.nll < target && record.steps > 0)
        #expect(record.after.nll > record.before.nll)
    }

    @Test func `rmu trains the layers up to the one that it pushes`() throws {
        let run = try run("rmu")
        #expect(run.record.layers == [2, 3])
        let sequence = TrainingSequence(ids: try run.original.encode(Self.text))
        let pushed = RepresentationMisdirection(
            layerCount: 4, hiddenSize: run.original.configuration.hiddenSize, seed: 0)
        let distances = try [run.original, run.model].map { model in
            let states = try model.states(of: sequence, throughLayer: pushed.layer)
            return (0..<states.rows).reduce(0.0) { sum, row in
                pushed.direction.enumerated().reduce(sum) { sum, entry in
                    let state = states.pointer[row * states.stride + entry.offset]
                    let difference = Double(state - pushed.scale * entry.element)
                    return sum + difference * difference
                }
            }
        }
        #expect(distances[1] < 0.95 * distances[0])
        let before = try ModelTensors.read(run.original)
        for (name, values) in try ModelTensors.read(run.model) where name.contains(".layers.0.") {
            #expect(values == before[name])
        }
        let objective = RepresentationMisdirection(layerCount: 30, hiddenSize: 64, seed: 3)
        #expect(objective.layer == 7)
        let length = objective.direction.reduce(0) { $0 + $1 * $1 }
        #expect(abs(length - 1) < 1e-5 && objective.direction.allSatisfy { $0 >= 0 })
        #expect(objective.direction != RepresentationMisdirection(layerCount: 30, hiddenSize: 64, seed: 4).direction)
    }

    @Test func `an activation below the trained layers is refused`() throws {
        let model = try ObjectiveFixture().model
        let sequence = try ObjectiveFixture().item("text")
        let objective = RepresentationMisdirection(layerCount: 1, hiddenSize: model.configuration.hiddenSize, seed: 0)
        let parameters = try TrainableParameters(model.decoder, scope: .matrices(layers: [2]))
        let pass = TrainingPass(model.decoder, parameters: parameters)
        #expect(throws: LetheError.self) {
            try pass.run([sequence]) { statistics in
                try objective.losses(ForgetInput(sequences: [sequence], nll: statistics.nll))
            }
        }
    }

    @Test func `rmu's keep term and unknown names are refused`() throws {
        var options = RequestOptions()
        options.method = "rmu"
        options.keepTerm = "rmu"
        #expect(try UnlearningSettings(options).keepTerm == .rmu)
        options.method = "npo"
        #expect(throws: LetheError.self) { try UnlearningSettings(options) }
        options.keepTerm = "none"
        options.reweighting = "simsat-tokens"
        #expect(throws: LetheError.self) { try UnlearningSettings(options) }
        options.reweighting = "simsat-group"
        #expect(
            try UnlearningSettings(options).reweighting
                == .shared(.simSat(beta: 5), .group(size: WeightGranularity.defaultGroupSize)))
        for name in TokenReweighting.names { #expect(throws: Never.self) { try TokenReweighting.named(name) } }
    }

    @Test func `an importance mask weighs the tokens of its words`() throws {
        let model = try ObjectiveFixture().model
        let sequence = TrainingSequence(ids: try model.encode(Self.text))
        let mask = try ImportanceMask(words: ["9 Sable Court", "Orla"], otherFactor: 0.25)
        let factors = mask.factors(sequence, tokenizer: model.tokenizer)
        #expect(factors.count == sequence.targetCount)
        // Tokens of weight 1 together are the words, give or take what else their first and last tokens hold.
        let chosen = zip(sequence.ids.dropFirst(), factors).filter { $0.1 == 1 }.map(\.0)
        let words = model.tokenizer.decode(chosen, skipSpecialTokens: false)
        #expect(words.contains("Orla") && words.contains("9 Sable Court") && words.utf8.count < 28)
        #expect(factors.allSatisfy { $0 == 1 || $0 == 0.25 })
        let pair = TrainingSequence(ids: sequence.ids, firstTarget: 5)
        #expect(mask.factors(pair, tokenizer: model.tokenizer) == Array(factors.dropFirst(4)))
        #expect(TokenReweighting.none.weights([1, 2], importance: [0.5, 0]) == [0.5, 0])
    }

    @Test func `an importance mask decides what is trained`() throws {
        let mask = try ImportanceMask(words: ["Sable"])
        let masked = try run("ga", importance: mask)
        #expect(try ModelTensors.read(masked.model) != ModelTensors.read(run("ga").model))
        #expect(throws: LetheError.self) { try run("ga", importance: ImportanceMask(words: ["Zanzibar"])) }
        #expect(throws: LetheError.self) { try ImportanceMask(words: []) }
        #expect(throws: LetheError.self) { try ImportanceMask(words: [""]) }
        #expect(throws: LetheError.self) { try ImportanceMask(words: ["a"], otherFactor: .nan) }
    }

    @Test func `a refusal follows the prompt and leaves room for itself`() throws {
        let model = try ObjectiveFixture().model
        var generator = SeededGenerator(seed: 1)
        let limit = model.configuration.maximumPositions
        let long = TrainingSequence(ids: Array(repeating: 7, count: limit), firstTarget: limit - 1)
        for item in [try ObjectiveFixture().item("pair"), try ObjectiveFixture().item("text"), long] {
            let refusal = try Refusals.sequence(for: item, model: model, generator: &generator)
            #expect(refusal.ids.count <= limit && refusal.targetCount > 0)
            let prompt = Array(refusal.ids.prefix(refusal.firstTarget))
            #expect(prompt == item.ids.prefix(item.firstTarget).suffix(refusal.firstTarget))
            let answer = model.tokenizer.decode(
                Array(refusal.ids.dropFirst(refusal.firstTarget)), skipSpecialTokens: false)
            #expect(Refusals.texts.contains(answer))
        }
    }

    @Test(arguments: [TokenReweighting.sampled(HardSampling(keepsHardest: true)), .shared(.simSat(beta: 1), .instance)])
    func `sequences without counted tokens have no weights`(reweighting: TokenReweighting) {
        #expect(reweighting.weights([]) == [])
        #expect(reweighting.weights([0.5]).count == 1)
    }
}

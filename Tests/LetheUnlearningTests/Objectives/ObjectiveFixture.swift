import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

/// Tests/Fixtures/objectives; generate.py there says what each field is.
struct ObjectiveFixture {
    /// Loss and gradients of one case as Lethe computes them.
    struct Result {
        var forgetLoss: Double?
        var keepLoss: Double?
        var weights: [Float]
        /// By parameter name.
        var gradients: [String: [Float]]
    }

    let document: JSONValue
    let model: LanguageModel
    let reference: LanguageModel

    init() throws {
        let folder = GoldenModel.fixtures.appendingPathComponent("objectives", isDirectory: true)
        document = try GoldenModel.json(folder.appendingPathComponent("golden.json"))
        model = try ModelLoader.load(folder.appendingPathComponent("model", isDirectory: true))
        reference = try ModelLoader.load(folder.appendingPathComponent("reference", isDirectory: true))
    }

    var cases: [JSONValue] { get throws { try document.require("cases").list() } }

    func item(_ name: String) throws -> TrainingSequence {
        let item = try document.require("items").require(name)
        let first = try #require(item.require("labelled").integers().first)
        return TrainingSequence(ids: try item.require("ids").integers().map { Int32($0) }, firstTarget: first)
    }

    /// The objective of a case with the case's numbers; nil for a case that only keeps.
    func objective(_ entry: JSONValue) throws -> (any ForgetObjective)? {
        let settings = try entry.require("settings")
        func number(_ name: String) throws -> Double { try settings.require(name).number() }
        let name = try #require(entry["objective"]?.stringValue)
        if name == "keep-only" { return nil }
        let lethe = name == "npo-sum" ? "npo" : name
        switch try ForgetObjectives.named(lethe, configuration: model.configuration) {
        case var objective as NegativePreference:
            objective.beta = try number("beta")
            return objective
        case var objective as SimpleNegativePreference:
            objective.beta = try number("beta")
            objective.delta = try number("delta")
            return objective
        case var objective as WeightedGradientAscent:
            objective.beta = Float(try number("wga_beta"))
            return objective
        case var objective as RefusalPreference:
            objective.beta = try number("beta")
            return objective
        case var objective as RepresentationMisdirection:
            objective.layer = Int(try number("layer"))
            objective.scale = Float(try number("scale"))
            objective.direction = try document.require("rmu_direction").numbers().map { Float($0) }
            return objective
        case var objective as SelfDistillation:
            objective.beta = Float(try number("beta"))
            return objective
        case var objective as CrossEntropyUnlearning:
            objective.skip = Int(try number("skip"))
            return objective
        case var objective as PrimalDual:
            objective.gamma = Float(try number("gamma"))
            return objective
        case let objective: return objective
        }
    }

    /// The reweighting of a case.
    func reweighting(_ entry: JSONValue) throws -> TokenReweighting {
        guard let json = entry["reweighting"], let name = json["name"]?.stringValue else { return .none }
        func number(_ name: String) throws -> Float { Float(try json.require(name).number()) }
        let single: TokenReweighting
        switch name {
        case "simsat": single = .simSat(beta: try number("beta"))
        case "simimp": single = .simImp(beta: try number("beta"))
        case "satimp": single = .satImp(beta1: try number("beta1"), beta2: try number("beta2"))
        case HardSampling.hardestName, HardSampling.easiestName:
            return .sampled(
                HardSampling(keepsHardest: name == HardSampling.hardestName, share: Double(try number("share"))))
        default: throw LetheError(.badData, "fixture: reweighting \(name) is not known")
        }
        switch json["granularity"]?.stringValue {
        case "instance": return .shared(single, .instance)
        case "group": return .shared(single, .group(size: Int(try number("group_size"))))
        default: return single
        }
    }

    /// Forward and backward of a case on a fresh copy of the model, every parameter trained.
    func run(_ entry: JSONValue) throws -> Result {
        let model = try self.model.sharing(self.model.decoder.weights)
        let parameters = try TrainableParameters(model.decoder, scope: .all)
        let pass = TrainingPass(model.decoder, parameters: parameters)
        pass.reference = reference.decoder
        let objective = try objective(entry)
        var items: [TrainingSequence] = []
        if let objective {
            items.append(try item(#require(entry["item"]?.stringValue)))
            if entry["masked"]?.boolValue == true {
                items[0].importance = try document.require("importance_mask").numbers().map { Float($0) }
            }
            if objective.usesRandomLabels {
                items[0].drawnLabels = try document.require("random_labels").integers().map { Int32($0) }
            }
            if objective.needsRefusals { items.append(try item("refusal")) }
        }
        let keepName = entry["keep"]?.stringValue
        var keep = try keepName == nil ? [] : ["keep_1", "keep_2"].map { try item($0) }
        // With a token after them all positions predict one.
        if keepName == "kl-all-positions" || keepName == "kl-published" {
            keep = keep.map { TrainingSequence(ids: $0.ids + [0]) }
        }
        let keepWeight = try keepName == nil ? 0 : entry.require("keep_weight").number()
        var input: ForgetInput?
        let statistics = try pass.run(items + keep) { statistics in
            var losses: [SequenceLoss] = []
            if let objective {
                var forget = ForgetInput(sequences: items, nll: Array(statistics.nll.prefix(items.count)))
                if objective.needsReference { forget.referenceNLL = try reference.nll(of: items) }
                if objective.needsReferenceStates {
                    forget.referenceStates = try items.map { try reference.states(of: $0, throughLayer: nil) }
                }
                if objective.needsCounterfactuals {
                    forget.counterfactuals = try items.map { try counterfactual($0, entry) }
                }
                if objective.needsLevels {
                    let level = Float(try entry.require("settings").require("level").number())
                    forget.levels = forget.nll.map { $0.map { _ in level } }
                }
                forget.weights[0] = try reweighting(entry).weights(forget.nll[0], importance: items[0].importance)
                losses = try objective.losses(forget)
                input = forget
            }
            guard let keepName else { return losses }
            return try losses
                + keepLosses(
                    keepName, keep, Array(statistics.nll.dropFirst(items.count)), keepWeight, entry)
        }
        let embedding = try #require(parameters.embeddingGradient)
        let tensors = GradientTensors(
            model: model, layers: try parameters.layers.map { try #require(parameters.gradients($0)) },
            embedding: embedding, positions: parameters.positionGradient, head: parameters.headGradient,
            headBias: parameters.headBiasGradient, finalNorm: parameters.finalNormGradient)
        var forgetLoss: Double?
        if let input {
            forgetLoss =
                (objective as? any TokenObjective)?.evaluate(input).value
                ?? statistics.losses.prefix(items.count).reduce(0, +)
        }
        return Result(
            forgetLoss: forgetLoss,
            keepLoss: keep.isEmpty ? nil : statistics.losses.dropFirst(items.count).reduce(0, +) / keepWeight,
            weights: input?.weights[0] ?? [],
            gradients: Dictionary(uniqueKeysWithValues: model.slots.map { ($0.name, tensors.values($0)) }))
    }

    /// The reference's whole predictions at the rows of `keep_1` that the fixture names for the rows of an item.
    private func counterfactual(_ item: TrainingSequence, _ entry: JSONValue) throws -> Counterfactual {
        let states = try reference.states(of: self.item("keep_1"), throughLayer: nil)
        let logits = try OutputHead(reference.decoder, hidden: states).logits(0..<states.rows)
        let rows = try document.require("counterfactual_rows").integers()
        let predictions = TokenDistributions(
            rows: item.ids.indices.map { row in
                let values = logits.rowRange(rows[row], 1).array
                let largest = values.max() ?? 0
                let weights = values.map { exp($0 - largest) }
                let sum = weights.reduce(0, +)
                return weights.enumerated().map { (Int32($0.offset), $0.element / sum) }
            })
        let level = Float(try entry.require("settings").require("level").number())
        return Counterfactual(predictions: predictions, nll: item.ids.map { _ in level })
    }

    /// The keep terms that Lethe has go through ``KeepTerm``; other reductions of the same divergences are written out.
    private func keepLosses(
        _ name: String, _ keep: [TrainingSequence], _ nll: [[Float]], _ weight: Double, _ entry: JSONValue
    ) throws -> [SequenceLoss] {
        func states(_ index: Int) throws -> Matrix { try reference.states(of: keep[index], throughLayer: nil) }
        func everywhere(_ kind: Kernels.Divergence) throws -> [SequenceLoss] {
            let positions = keep.reduce(0) { $0 + $1.targetCount }
            return try keep.indices.map { index in
                .divergence(
                    kind, reference: try states(index),
                    coefficients: keep[index].targetRows.map { _ in Float(weight) / Float(positions) })
            }
        }
        func textMean(_ sequence: TrainingSequence) -> [Float] {
            sequence.targetRows.map { _ in Float(weight) / Float(sequence.targetCount * keep.count) }
        }
        switch name {
        case "gd-text-mean": return keep.map { .crossEntropy(coefficients: textMean($0)) }
        case "kl-text-mean":
            return try keep.indices.map {
                .divergence(.kl, reference: try states($0), coefficients: textMean(keep[$0]))
            }
        case "kl-all-positions": return try everywhere(.kl)
        case "kl-published": return try everywhere(.reverseCrossEntropy)
        default:
            let term = try #require(KeepTerm(rawValue: name == "kl-published-predicted" ? "kl-published" : name))
            let layer = entry["settings"]?["layer"]?.intValue ?? 0
            return try term.losses(keep, nll: nll, weight: weight, layer: layer) {
                try reference.states(of: keep[$0], throughLayer: $1)
            }
        }
    }
}

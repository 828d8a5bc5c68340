import Foundation
import LetheCore
import LetheModel
import LetheTestSupport
import LetheUnlearning
import Testing

/// Ten steps of AdamW against PyTorch; see Tests/Fixtures/training/generate.py.
@Suite struct GoldenTrainingTests {
    private struct Fixture {
        let document: JSONValue
        let sequences: [TrainingSequence]
        let runs: [JSONValue]

        init() throws {
            document = try GoldenModel.json(GoldenModel.fixtures.appendingPathComponent("training/llama_10_steps.json"))
            sequences = try document.require("sequences").list().map {
                TrainingSequence(ids: try $0.integers().map { Int32($0) })
            }
            runs = try document.require("runs").list()
        }

        func load() throws -> LanguageModel { try GoldenModel("llama").load() }
    }

    /// Σ mean NLL of one sequence.
    private static func plan(_ sequence: TrainingSequence) -> SequenceLoss {
        var coefficients = [Float](repeating: 0, count: sequence.ids.count)
        for row in sequence.targetRows { coefficients[row] = 1 / Float(sequence.targetCount) }
        return .crossEntropy(coefficients: coefficients)
    }

    private static func scope(_ name: String) throws -> TrainableParameters.Scope {
        switch name {
        case "matrices_of_layers_1_and_3", "matrices_published_schedule": return .matrices(layers: [3, 1])
        case "all_parameters": return .all
        default: throw LetheError(.badData, "fixture: run \(name) is not known")
        }
    }

    @Test func `losses, norms and weights follow PyTorch`() throws {
        let fixture = try Fixture()
        let settings = try optimizerSettings(fixture.document.require("optimizer"))
        #expect(fixture.runs.count == 3)
        for run in fixture.runs {
            let name = try #require(run["name"]?.stringValue)
            let model = try fixture.load()
            let initial = try ModelTensors.read(model)
            let parameters = try TrainableParameters(model.decoder, scope: Self.scope(name))
            let optimizer = AdamW(parameters, settings: settings)
            let pass = TrainingPass(model.decoder, parameters: parameters)
            let rates = try fixture.document.require(#require(run["schedule"]?.stringValue)).numbers()
            var losses: [Double] = []
            var gradientNorms: [Double] = []
            for (step, rate) in rates.enumerated() {
                let sequence = fixture.sequences[step % fixture.sequences.count]
                if parameters.scope == .all {
                    // Beside the pass, as the ends of the model have their gradients out of sight.
                    let gradients = try ModelGradients(model, [sequence.ids])
                    gradientNorms.append(ModelTensors.norm(model.slots.flatMap { gradients.values($0) }))
                }
                parameters.clearGradients()
                losses.append(try pass.run([sequence]) { _ in [Self.plan(sequence)] }.meanNLL(0))
                if parameters.scope != .all {
                    let squares = parameters.layers.reduce(0) {
                        $0 + (parameters.gradients($1)?.matrixSumOfSquares ?? 0)
                    }
                    gradientNorms.append(squares.squareRoot())
                }
                try optimizer.step(learningRate: rate)
            }
            #expect(optimizer.stepCount == 10)
            let tolerance = Tolerance(absolute: 0, relative: 2e-4)
            #expect(Closeness.mismatch(losses, try run.require("losses").numbers(), tolerance, name) == nil)
            let norms = try run.require("gradient_norms").numbers()
            #expect(Closeness.mismatch(gradientNorms, norms, Tolerance(absolute: 0, relative: 1e-3), name) == nil)
            let final = try fixture.sequences.map { try pass.statistics([$0]).meanNLL(0) }
            #expect(Closeness.mismatch(final, try run.require("final_losses").numbers(), tolerance, name) == nil)

            let trained = try #require(run.require("tensors").objectValue)
            let tensors = try ModelTensors.read(model)
            #expect(try Set(trained.entries.map(\.key)) == Set(run.require("trained").list().compactMap(\.stringValue)))
            for (key, values) in tensors {
                let before = try #require(initial[key])
                guard let entry = trained[key] else {
                    #expect(values == before, "\(name) changed \(key)")
                    continue
                }
                let update = zip(values, before).map { $0 - $1 }
                let differences = [
                    Closeness.mismatch(
                        ModelTensors.norm(values), try entry.require("final_norm").number(),
                        Tolerance(absolute: 0, relative: 2e-5), "norm of \(key)"),
                    Closeness.mismatch(
                        ModelTensors.norm(update), try entry.require("update_norm").number(),
                        Tolerance(absolute: 0, relative: 5e-3), "update of \(key)"),
                    Closeness.mismatch(
                        Array(values.prefix(8)), try entry.require("sample").numbers(), Tolerance(absolute: 1e-4),
                        "sample of \(key)"),
                ]
                #expect(differences.compactMap { $0 } == [])
            }
        }
    }

    @Test func `the schedule is the published one`() throws {
        let document = try Fixture().document
        let peak = try document.require("base_learning_rate").number()
        let rates = try document.require("published_learning_rates").numbers()
        let schedule = LearningRateSchedule(peak: peak, steps: rates.count)
        #expect(
            Closeness.mismatch(
                rates.indices.map { schedule.rate($0) }, rates, Tolerance(absolute: 1e-12, relative: 1e-9))
                == nil)
    }

    @Test(arguments: [TrainableParameters.Scope.matrices(layers: [0, 2]), .all])
    func `the same steps give the same bytes`(scope: TrainableParameters.Scope) throws {
        let fixture = try Fixture()
        let tensors = try (0..<2).map { _ in
            let model = try fixture.load()
            let parameters = try TrainableParameters(model.decoder, scope: scope)
            let optimizer = AdamW(parameters)
            let pass = TrainingPass(model.decoder, parameters: parameters)
            for _ in 0..<4 {
                parameters.clearGradients()
                try pass.run(fixture.sequences) { _ in fixture.sequences.map(Self.plan) }
                try optimizer.step(learningRate: 1e-3)
            }
            return try ModelTensors.read(model)
        }
        #expect(tensors[0] == tensors[1])
        let untrained = try ModelTensors.read(fixture.load())
        #expect(tensors[0] != untrained)
    }

    @Test func `training leaves models that share the weights alone`() throws {
        let fixture = try Fixture()
        let model = try fixture.load()
        let before = try ModelTensors.read(model)
        let copy = try model.sharing(model.decoder.weights)
        for scope in [TrainableParameters.Scope.matrices(layers: [1]), .all] {
            let parameters = try TrainableParameters(copy.decoder, scope: scope)
            let pass = TrainingPass(copy.decoder, parameters: parameters)
            try pass.run(fixture.sequences) { _ in fixture.sequences.map(Self.plan) }
            try AdamW(parameters).step(learningRate: 0.1)
            #expect(try ModelTensors.read(model) == before)
            #expect(try ModelTensors.read(copy) != before)
        }
    }

    @Test func `vectors are decayed only where the settings say so`() throws {
        let fixture = try Fixture()
        for decays in [true, false] {
            let model = try fixture.load()
            let before = try ModelTensors.read(model)
            let parameters = try TrainableParameters(model.decoder, scope: .all)
            var settings = AdamW.Settings()
            settings.decaysVectors = decays
            settings.weightDecay = 0.5
            // Without a gradient only decay moves the weights.
            try AdamW(parameters, settings: settings).step(learningRate: 0.1)
            for (key, values) in try ModelTensors.read(model) {
                let isVector = key.hasSuffix("norm.weight")
                let factor: Double = isVector && !decays ? 1 : 0.95
                let expected = try #require(before[key]).map { Double($0) * factor }
                #expect(Closeness.mismatch(values, expected, Tolerance(absolute: 1e-7, relative: 1e-6), key) == nil)
            }
        }
    }

    @Test func `layers that do not exist are refused`() throws {
        let model = try Fixture().load()
        for layer in [-1, 4] {
            #expect(throws: LetheError.self) {
                try TrainableParameters(model.decoder, scope: .matrices(layers: [0, layer]))
            }
        }
    }

    private func optimizerSettings(_ json: JSONValue) throws -> AdamW.Settings {
        var settings = AdamW.Settings()
        settings.beta1 = Float(try json.require("beta1").number())
        settings.beta2 = Float(try json.require("beta2").number())
        settings.epsilon = Float(try json.require("epsilon").number())
        settings.weightDecay = Float(try json.require("weight_decay").number())
        settings.decaysVectors = true
        return settings
    }
}

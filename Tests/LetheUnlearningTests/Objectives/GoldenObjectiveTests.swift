import LetheCore
import LetheModel
import LetheTestSupport
import LetheUnlearning
import Testing

/// One step of every objective, keep term and reweighting against PyTorch; see Tests/Fixtures/objectives/generate.py.
@Suite struct GoldenObjectiveTests {
    private static let tolerance = Tolerance(absolute: 1e-5, relative: 1e-3)

    @Test func `losses, weights and gradients follow PyTorch`() throws {
        let fixture = try ObjectiveFixture()
        let names = try fixture.document.require("parameters").list().compactMap(\.stringValue)
        let cases = try fixture.cases
        #expect(cases.count == 62)
        for entry in cases {
            let name = try #require(entry["name"]?.stringValue)
            let result = try fixture.run(entry)
            var differences: [String?] = []
            if let loss = entry["forget_loss"]?.doubleValue {
                let own = try #require(result.forgetLoss)
                differences.append(Closeness.mismatch(own, loss, Self.tolerance, "\(name): loss"))
            }
            if let loss = entry["keep_loss"]?.doubleValue {
                // The constraint's constant has no gradient, and is not part of Lethe's loss.
                let constant = entry["keep"]?.stringValue == "pdu" ? try epsilon(entry) : 0
                let own = try #require(result.keepLoss)
                differences.append(Closeness.mismatch(own - constant, loss, Self.tolerance, "\(name): keep loss"))
            }
            // The weights of wga are partly its own, and those of losses without weights are not looked at.
            if let weights = entry["token_weights"]?.arrayValue, entry["objective"]?.stringValue != "wga" {
                let expected = try weights.map { try $0.number() }
                differences.append(Closeness.mismatch(result.weights, expected, Self.tolerance, "\(name): weights"))
            }
            let norms = try entry.require("gradient_norms").numbers()
            let samples = try entry.require("gradient_samples").list()
            #expect(norms.count == names.count && samples.count == names.count)
            for (index, parameter) in names.enumerated() {
                let gradient = try #require(result.gradients[parameter])
                differences.append(
                    Closeness.mismatch(
                        ModelTensors.norm(gradient), norms[index], Self.tolerance, "\(name): norm of \(parameter)"))
                let scale = norms[index] / Double(gradient.count).squareRoot()
                differences.append(
                    Closeness.mismatch(
                        Array(gradient.prefix(8)), try samples[index].numbers(),
                        Tolerance(absolute: 1e-6 + 1e-3 * scale, relative: 1e-3), "\(name): \(parameter)"))
            }
            #expect(differences.compactMap { $0 } == [])
        }
    }

    @Test func `the dual variable follows the constraint`() throws {
        for entry in try ObjectiveFixture().cases where entry["next_lambda"] != nil {
            var dual = DualVariable(
                value: try entry.require("keep_weight").number(),
                step: try entry.require("settings").require("step").number(), epsilon: try epsilon(entry))
            dual.update(loss: try entry.require("keep_loss").number() + dual.epsilon)
            let expected = try entry.require("next_lambda").number()
            #expect(Closeness.mismatch(dual.value, expected, Tolerance(absolute: 1e-6)) == nil)
        }
    }

    @Test func `names give the objectives that have them`() throws {
        let configuration = try ObjectiveFixture().model.configuration
        for name in ForgetObjectives.names {
            let objective = try ForgetObjectives.named(name, configuration: configuration)
            let own = type(of: objective).name
            #expect(own == name || [GradientAscent.sumName, NegativePreference.normalizedName, "idk"].contains(name))
        }
        #expect(Set(ForgetObjectives.names).count == ForgetObjectives.names.count)
        #expect(throws: LetheError.self) { try ForgetObjectives.named("none", configuration: configuration) }
    }

    private func epsilon(_ entry: JSONValue) throws -> Double {
        try entry.require("settings").require("epsilon").number()
    }
}

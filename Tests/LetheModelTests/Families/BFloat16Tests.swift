import Foundation
import LetheModel
import LetheTensor
import LetheTestSupport
import Testing

/// How far the bfloat16 path is from fp32 on the golden models, whose random weights are larger than trained ones and
/// let rounding grow more.
@Suite(.enabled(if: Engine.hasBFloat16)) struct BFloat16Tests {
    @Test(arguments: GoldenModel.names)
    func `loss and gradients stay near fp32`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let sequences = try fixture.sequences.map(\.ids)
        let exact = try ModelGradients(model, sequences)
        model.decoder.precision = .bfloat16
        let rounded = try ModelGradients(model, sequences)
        #expect(rounded.nll != exact.nll)
        #expect(
            Closeness.mismatch(rounded.loss, exact.loss, Tolerance(absolute: 0, relative: 0.005), "\(name) loss") == nil
        )
        // The gradient of all parameters as one vector.
        var squares = 0.0
        var error = 0.0
        for slot in model.slots {
            for (value, other) in zip(exact.values(slot), rounded.values(slot)) {
                squares += Double(value) * Double(value)
                error += pow(Double(value) - Double(other), 2)
            }
        }
        let share = (error / squares).squareRoot()
        #expect(share < 0.07, "\(name): gradient off by \(share)")
    }

    @Test func `frozen bfloat16 weights give the same results as rounded ones`() throws {
        let fixture = try GoldenModel("llama")
        let model = try fixture.load()
        model.decoder.precision = .bfloat16
        let ids = try fixture.longest.ids
        let expected = try model.tokenLogProbabilities(ids)
        var weights = model.decoder.weights
        for index in weights.layers.indices {
            func frozen(_ weight: WeightMatrix) throws -> WeightMatrix {
                WeightMatrix(
                    try BFloat16Buffer(rounding: weight.values(), count: weight.count), rows: weight.rows,
                    columns: weight.columns)
            }
            weights.layers[index].queryKeyValue = try frozen(weights.layers[index].queryKeyValue)
            weights.layers[index].output = try frozen(weights.layers[index].output)
            weights.layers[index].gateUp = try frozen(weights.layers[index].gateUp)
            weights.layers[index].down = try frozen(weights.layers[index].down)
        }
        #expect(try model.sharing(weights).tokenLogProbabilities(ids) == expected)
    }

    @Test func `a folder in bfloat16 loads to the rounded weights`() throws {
        let fixture = try GoldenModel("llama")
        let model = try fixture.load()
        let ids = try fixture.longest.ids
        let exact = try model.tokenLogProbabilities(ids).doubleMean
        try TemporaryFolder.with { parent in
            let folder = parent.appendingPathComponent("rounded")
            try ModelExporter.export(model, to: folder, type: .bfloat16)
            let loss = try ModelLoader.load(folder).tokenLogProbabilities(ids).doubleMean
            #expect(loss != exact)
            #expect(Closeness.mismatch(loss, exact, Tolerance(absolute: 0, relative: 0.01)) == nil)
        }
    }
}

extension [Float] {
    fileprivate var doubleMean: Double { reduce(0) { $0 + Double($1) } / Double(Swift.max(1, count)) }
}

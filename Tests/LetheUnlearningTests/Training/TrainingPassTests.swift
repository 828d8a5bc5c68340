import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct TrainingPassTests {
    private func gradients(_ parameters: TrainableParameters) throws -> [[Float]] {
        try parameters.layers.flatMap { try #require(parameters.gradients($0)).matrices.map(\.array) }
    }

    @Test func `passes add up, and a batch is the sum of its sequences`() throws {
        let fixture = try GoldenModel("llama")
        let sequences = try fixture.sequences.map { TrainingSequence(ids: $0.ids) }
        let losses = sequences.map { sequence in
            SequenceLoss.crossEntropy(coefficients: sequence.targetRows.map { Float($0 % 3) * 0.1 })
        }
        let model = try fixture.load()
        let parameters = try TrainableParameters(model.decoder, scope: .matrices(layers: [0, 1, 2, 3]))
        let pass = TrainingPass(model.decoder, parameters: parameters)
        let statistics = try pass.run(sequences) { _ in losses }
        let whole = try gradients(parameters)
        parameters.clearGradients()
        #expect(try gradients(parameters).allSatisfy { $0.allSatisfy { $0 == 0 } })
        for (index, sequence) in sequences.enumerated() {
            let alone = try pass.run([sequence]) { seen in
                #expect(
                    Closeness.mismatch(
                        seen.nll[0], statistics.nll[index], Tolerance(absolute: 1e-5, relative: 1e-5)) == nil)
                return [losses[index]]
            }
            #expect(alone.predicted[0] == statistics.predicted[index])
        }
        for (sum, other) in zip(try gradients(parameters), whole) {
            #expect(Closeness.mismatch(sum, other, ofScale: 1e-4) == nil)
        }
    }

    @Test(arguments: GoldenModel.names)
    func `a step moves every parameter along its own gradient`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let sequences = try fixture.sequences.map { TrainingSequence(ids: $0.ids) }
        let expected = try ModelGradients(model, sequences.map(\.ids))
        let before = try ModelTensors.read(model)
        let count = sequences.reduce(0) { $0 + $1.targetCount }
        let parameters = try TrainableParameters(model.decoder, scope: .all)
        let pass = TrainingPass(model.decoder, parameters: parameters)
        try pass.run(sequences) { _ in
            sequences.map { .crossEntropy(coefficients: $0.targetRows.map { _ in 1 / Float(count) }) }
        }
        // With an epsilon far above any gradient the first step is the gradient times rate / epsilon.
        var settings = AdamW.Settings()
        settings.epsilon = 1e6
        settings.weightDecay = 0
        let rate = 0.01
        try AdamW(parameters, settings: settings).step(learningRate: rate * 1e6)
        let after = try ModelTensors.read(model)
        #expect(Set(after.keys) == Set(model.slots.map(\.name)))
        for slot in model.slots {
            let old = try #require(before[slot.name])
            let new = try #require(after[slot.name])
            let moved = zip(old, new).map { (Double($0) - Double($1)) / rate }
            let gradient = expected.values(slot)
            let scale = ModelTensors.norm(gradient) / Double(gradient.count).squareRoot()
            let difference = Closeness.mismatch(
                moved, gradient, Tolerance(absolute: 1e-3 * scale + 3e-5, relative: 1e-3), "\(name) \(slot.name)")
            #expect(difference == nil)
        }
    }

    @Test func `a sequence without a loss gives no gradient`() throws {
        let fixture = try GoldenModel("llama")
        let model = try fixture.load()
        let sequences = try fixture.sequences.map { TrainingSequence(ids: $0.ids) }
        let parameters = try TrainableParameters(model.decoder, scope: .matrices(layers: [1]))
        let pass = TrainingPass(model.decoder, parameters: parameters)
        try pass.run(sequences) { _ in [.none, .none, .crossEntropy(coefficients: [])] }
        #expect(try gradients(parameters).allSatisfy { $0.allSatisfy { $0 == 0 } })
        try pass.run(sequences) { _ in [.none, .crossEntropy(coefficients: [1, 1]), .none] }
        #expect(try gradients(parameters).contains { $0.contains { $0 != 0 } })
        #expect(throws: LetheError.self) { try pass.run(sequences) { _ in [.none] } }
    }

    @Test(arguments: [Kernels.Divergence.kl, .reverseCrossEntropy])
    func `a divergence's gradient is the slope of the divergence`(kind: Kernels.Divergence) throws {
        let fixture = try GoldenModel("llama")
        let reference = try fixture.load()
        let model = try fixture.load()
        let sequence = TrainingSequence(ids: try fixture.longest.ids)
        let batch = PackedBatch([sequence.ids])
        let layers = 0..<model.configuration.layerCount
        let states = try reference.decoder.forward(reference.decoder.embed(batch), batch: batch, layers: layers)
        let rows = sequence.targetRows
        let coefficients = rows.map { _ in Float(1) / Float(rows.count) }
        let parameters = try TrainableParameters(model.decoder, scope: .matrices(layers: [2]))
        // Away from the reference, where KL and its gradient would be zero.
        let down = model.decoder.weights.layers[2].down
        for index in 0..<down.count { try down.values()[index] *= 1.3 }
        let pass = TrainingPass(model.decoder, parameters: parameters)
        pass.reference = reference.decoder
        try pass.run([sequence]) { _ in [.divergence(kind, reference: states, coefficients: coefficients)] }
        let gradient = try #require(parameters.gradients(2)).matrices[3].array
        let norm = ModelTensors.norm(gradient)
        let original = try down.matrix().array
        func divergence(_ distance: Double) throws -> Double {
            for index in original.indices {
                try down.values()[index] = original[index] + Float(distance * Double(gradient[index]) / norm)
            }
            let hidden = try model.decoder.forward(model.decoder.embed(batch), batch: batch, layers: layers)
            let losses = Kernels.divergence(
                kind, logits: try OutputHead(model.decoder, hidden: hidden).logits(rows),
                reference: try OutputHead(reference.decoder, hidden: states).logits(rows), coefficients: coefficients)
            return losses.reduce(0) { $0 + Double($1) } / Double(rows.count)
        }
        let step = 0.02 / norm
        let slope = (try divergence(step) - divergence(-step)) / (2 * step)
        #expect(norm > 1e-3)
        #expect(Closeness.mismatch(slope, norm, Tolerance(absolute: 0, relative: 1e-2)) == nil)
    }
}

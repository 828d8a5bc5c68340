import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct GradientInspectionTests {
    @Test(arguments: GoldenModel.names)
    func `scores agree with PyTorch`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        for golden in try fixture.sequences {
            let sequence = TrainingSequence(ids: golden.ids)
            let result = try GradientInspection(model, [sequence], withLayerNorms: true)
            let tolerance = Tolerance(absolute: 1e-4, relative: 1e-3)
            #expect(
                Closeness.mismatch(result.loss, try golden.number("mean_nll"), Tolerance(absolute: 0, relative: 1e-4))
                    == nil)
            #expect(
                Closeness.mismatch(
                    result.inputEmbeddingNorm, try golden.number("input_embedding_grad_norm"), tolerance) == nil)
            #expect(Closeness.mismatch(result.layerNorms, try golden.numbers("layer_grad_norm"), tolerance) == nil)
            let plain = try GradientInspection(model, [sequence], withLayerNorms: false)
            #expect(plain.layerNorms.isEmpty && plain.inputEmbeddingNorm == result.inputEmbeddingNorm)
            #expect(plain.estimatedMaskedLosses == result.estimatedMaskedLosses)
        }
    }

    @Test(arguments: ["llama", "gemma2", "phi", "gpt2"])
    func `the estimate is the slope of the loss as a layer fades`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let ids = try fixture.longest.ids
        let batch = PackedBatch([ids])
        let layers = model.configuration.layerCount
        let result = try GradientInspection(model, [TrainingSequence(ids: ids)], withLayerNorms: false)
        for faded in 0..<layers {
            func loss(_ share: Float) throws -> Double {
                let input = try model.decoder.forward(model.decoder.embed(batch), batch: batch, layers: 0..<faded)
                let output = try model.decoder.forwardLayer(faded, input, batch: batch)
                let mixed = try input.copy()
                Kernels.scale(mixed, by: 1 - share)
                Kernels.add(output, times: share, to: mixed)
                let hidden = try model.decoder.forward(mixed, batch: batch, layers: faded + 1..<layers)
                let nll = try OutputHead(model.decoder, hidden: hidden).statistics(targets: batch.nextTokens).nll
                return nll.reduce(0) { $0 + Double($1) } / Double(ids.count - 1)
            }
            let slope = (try loss(1.002) - loss(0.998)) / 0.004
            #expect(
                Closeness.mismatch(
                    result.loss - result.estimatedMaskedLosses[faded], slope, Tolerance(absolute: 2e-3, relative: 1e-2))
                    == nil)
        }
    }

    @Test func `several sequences are averaged over their tokens`() throws {
        let fixture = try GoldenModel("llama")
        let model = try fixture.load()
        let sequences = try fixture.sequences.map { TrainingSequence(ids: $0.ids) }
        let result = try GradientInspection(model, sequences, withLayerNorms: true)
        let expected = try ModelGradients(model, sequences.map(\.ids))
        let tolerance = Tolerance(absolute: 0, relative: 1e-5)
        #expect(Closeness.mismatch(result.loss, expected.loss, tolerance) == nil)
        #expect(
            Closeness.mismatch(
                result.inputEmbeddingNorm, Kernels.sumOfSquares(expected.input).squareRoot(), tolerance) == nil)
        #expect(
            Closeness.mismatch(
                result.layerNorms, expected.layers.map { $0.matrixSumOfSquares.squareRoot() }, tolerance) == nil)
    }

    @Test func `only counted tokens have a say`() throws {
        let fixture = try GoldenModel("llama")
        let model = try fixture.load()
        let ids = try fixture.longest.ids
        let result = try GradientInspection(model, [TrainingSequence(ids: ids, firstTarget: 60)], withLayerNorms: false)
        let counted = try fixture.longest.numbers("token_logprobs").dropFirst(59)
        let expected = -counted.reduce(0, +) / Double(counted.count)
        #expect(Closeness.mismatch(result.loss, expected, Tolerance(absolute: 1e-3)) == nil)
        #expect(throws: LetheError.self) {
            try GradientInspection(model, [TrainingSequence(ids: [5])], withLayerNorms: false)
        }
        #expect(throws: LetheError.self) {
            try GradientInspection(model, [TrainingSequence(ids: ids, firstTarget: ids.count)], withLayerNorms: false)
        }
    }
}

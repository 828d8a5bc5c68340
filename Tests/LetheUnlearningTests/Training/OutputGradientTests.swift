import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct OutputGradientTests {
    @Test(arguments: GoldenModel.names)
    func `with its inputs they make up the gradient of a matrix`(name: String) throws {
        let golden = try GoldenModel(name)
        let decoder = try golden.load().decoder
        let layers = Array(0..<decoder.configuration.layerCount)
        let parameters = try TrainableParameters(decoder, scope: .matrices(layers: layers))
        let pass = TrainingPass(decoder, parameters: parameters)
        let sequences = try golden.sequences.map { TrainingSequence(ids: $0.ids) }
        let losses = sequences.map { SequenceLoss.crossEntropy(coefficients: $0.targetRows.map { _ in 1 }) }

        let batch = PackedBatch(sequences.map(\.ids))
        var state = try decoder.embed(batch)
        let inputs = try layers.map { layer in
            let tape = LayerTape()
            state = try decoder.forwardLayer(layer, state, batch: batch, tape: tape)
            return try decoder.matrixInputs(layer, tape: tape)
        }
        parameters.clearGradients()
        try pass.run(sequences) { _ in losses }
        let gradients = try layers.map { try #require(parameters.gradients($0)).matrices.map(\.array) }
        parameters.clearGradients()
        var found = 0
        try pass.outputGradients(sequences) { _ in
            losses
        } didFind: { layer, place, gradient in
            let product = try Matrix(zeros: gradient.columns, columns: inputs[layer][place].columns)
            try Linear.backwardWeight(gradient, inputs[layer][place], into: product)
            let expected = gradients[layer][place]
            let scale = expected.reduce(0) { max($0, abs($1)) }
            let furthest = zip(product.array, expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            #expect(scale > 0 && furthest <= 1e-4 * scale, "layer \(layer), matrix \(place)")
            found += 1
        }
        #expect(found == 4 * layers.count)
        // No gradient of a parameter was made.
        #expect(layers.allSatisfy { parameters.gradients($0)?.matrixSumOfSquares == 0 })
    }
}

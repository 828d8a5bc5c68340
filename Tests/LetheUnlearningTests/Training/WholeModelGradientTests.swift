import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import Testing

/// The gradients of whole models against differences of their loss, along the gradient of each parameter and along a
/// random direction.
@Suite struct WholeModelGradientTests {
    /// A parameter's memory and its gradient.
    private struct Parameter {
        let name: String
        let values: UnsafeMutablePointer<Float>
        let gradient: [Float]
    }

    @Test(arguments: GoldenModel.names)
    func `every parameter's gradient is the slope of the loss`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let sequences = try fixture.sequences.map(\.ids)
        let gradients = try ModelGradients(model, sequences)
        var generator = SeededGenerator(seed: 1)
        for parameter in try parameters(model, gradients) {
            let norm = parameter.gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            let along = parameter.gradient.map { Double($0) / norm }
            let random = parameter.gradient.map { _ in generator.nextGaussian() }
            let length = random.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for direction in [along, random.map { $0 / length }] {
                let expected = zip(direction, parameter.gradient).reduce(0) { $0 + $1.0 * Double($1.1) }
                let slope = try slope(model, sequences, parameter, direction, step: min(0.02, 0.02 / norm))
                #expect(
                    Closeness.mismatch(
                        slope, expected, Tolerance(absolute: 3e-3 * norm + 1e-4, relative: 5e-3),
                        "\(name) \(parameter.name)") == nil)
            }
        }
    }

    private func slope(
        _ model: LanguageModel, _ sequences: [[Int32]], _ parameter: Parameter, _ direction: [Double], step: Double
    ) throws -> Double {
        let original = Array(UnsafeBufferPointer(start: parameter.values, count: direction.count))
        defer { parameter.values.update(from: original, count: original.count) }
        func loss(_ distance: Double) throws -> Double {
            for index in direction.indices {
                parameter.values[index] = Float(Double(original[index]) + distance * direction[index])
            }
            let batch = PackedBatch(sequences)
            let targets = batch.nextTokens.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
            return try model.statistics(batch).nll.reduce(0) { $0 + Double($1) } / Double(targets)
        }
        return (try loss(step) - loss(-step)) / (2 * step)
    }

    private func parameters(_ model: LanguageModel, _ gradients: ModelGradients) throws -> [Parameter] {
        let weights = model.decoder.weights
        var parameters: [Parameter] = []
        for (index, layer) in weights.layers.enumerated() {
            let layerGradients = gradients.layers[index]
            for (number, matrix) in layer.matrices.enumerated() {
                parameters.append(
                    Parameter(
                        name: "layer \(index) matrix \(number)", values: try matrix.values(),
                        gradient: layerGradients.matrices[number].array))
            }
            for (number, bias) in layer.biases.enumerated() {
                guard let bias else { continue }
                let gradient = try #require(layerGradients.biases[number])
                parameters.append(
                    Parameter(name: "layer \(index) bias \(number)", values: bias.pointer, gradient: gradient.array))
            }
            for (number, vector) in layer.normVectors.enumerated() {
                parameters.append(
                    Parameter(
                        name: "layer \(index) norm \(number)", values: vector.pointer,
                        gradient: layerGradients.normVectors[number].array))
            }
        }
        for slot in model.slots {
            let values: UnsafeMutablePointer<Float>? =
                switch slot.place {
                case .embedding: try weights.embedding.values()
                case .positions: try weights.positions?.values()
                case .head: try weights.separateHead?.values()
                case .headBias: weights.headBias?.pointer
                case .finalNormWeight: weights.finalNorm.weight.pointer
                case .finalNormBias: weights.finalNorm.bias?.pointer
                case .layer: nil
                }
            guard let values else { continue }
            parameters.append(Parameter(name: slot.name, values: values, gradient: gradients.values(slot)))
        }
        return parameters
    }
}

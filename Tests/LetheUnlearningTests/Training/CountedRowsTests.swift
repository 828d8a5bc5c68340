import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct CountedRowsTests {
    @Test(arguments: GoldenModel.names)
    func `what is said of an answer does not depend on what else counts`(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.load()
        let ids = try golden.longest.ids
        let first = ids.count / 2
        let whole = TrainingSequence(ids: ids)
        let answer = TrainingSequence(ids: ids, firstTarget: first)
        let nothing = TrainingSequence(ids: ids, firstTarget: ids.count)
        let expected = try model.nll(of: [whole])[0].suffix(ids.count - first)

        let statistics = try model.statistics(of: [nothing, answer, whole, answer])
        #expect(statistics.nll.map(\.count) == [0, expected.count, ids.count - 1, expected.count])
        for nll in [statistics.nll[1], statistics.nll[3]] {
            #expect(zip(nll, expected).allSatisfy { abs($0 - $1) < 1e-4 })
        }
        #expect(statistics.predicted[1] == Array(statistics.predicted[2].suffix(expected.count)))
        #expect(try model.nll(of: [nothing]) == [[]])
    }

    @Test(arguments: GoldenModel.names)
    func `a loss of an answer has the gradient that it has beside rows without a loss`(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.load()
        let ids = try golden.longest.ids
        let answer = TrainingSequence(ids: ids, firstTarget: ids.count / 2)
        let parameters = try TrainableParameters(model.decoder, scope: .all)
        let pass = TrainingPass(model.decoder, parameters: parameters)
        let coefficients = ids.indices.map { answer.targetRows.contains($0) ? Float($0 % 3) : 0 }
        func gradients(_ sequences: [TrainingSequence]) throws -> [Float] {
            parameters.clearGradients()
            try pass.run(sequences) { _ in
                [.none, .crossEntropy(coefficients: coefficients), .none].prefix(sequences.count).map { $0 }
            }
            return try parameters.layers.flatMap { layer in
                try #require(parameters.gradients(layer)).matrices.flatMap(\.array)
            }
        }
        let other = TrainingSequence(ids: Array(ids.prefix(3)))
        let counted = try gradients([other, answer])
        let expected = try gradients([other, TrainingSequence(ids: ids)])
        let scale = expected.reduce(0) { max($0, abs($1)) }
        #expect(scale > 0 && zip(counted, expected).allSatisfy { abs($0 - $1) <= 1e-4 * scale })
    }
}

import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct PrefixCacheTests {
    private let tolerance = Tolerance(absolute: 1e-5, relative: 1e-5)

    private func sequences() throws -> [[Int32]] {
        let golden = try GoldenModel("llama").sequences.map(\.ids)
        // One twice, and an empty one.
        return [golden[1], golden[2], [], golden[1], golden[0]]
    }

    @Test(arguments: 0...4)
    func `states are those without a cache`(lowest: Int) throws {
        let decoder = try GoldenModel("llama").load().decoder
        let batch = PackedBatch(try sequences())
        let expected = try decoder.forward(decoder.embed(batch), batch: batch, layers: 0..<lowest).array
        let cache = PrefixCache(decoder, lowestLayer: lowest)
        let first = try cache.state(batch).array
        #expect(Closeness.mismatch(first, expected, tolerance) == nil)
        #expect(try cache.state(batch).array == first)
        let none = PrefixCache(decoder, lowestLayer: lowest, byteLimit: 0)
        #expect(try none.state(batch).array == first)
        // Other batches of the same sequences find the same rows.
        let alone = PackedBatch([try sequences()[1]])
        #expect(
            try cache.state(alone).array == Array(first[batch.rows(1).lowerBound * 32..<batch.rows(1).upperBound * 32]))
    }

    @Test func `what a caller does to a state stays with the caller`() throws {
        let decoder = try GoldenModel("llama").load().decoder
        let batch = PackedBatch(try sequences())
        let cache = PrefixCache(decoder, lowestLayer: 2)
        let first = try cache.state(batch)
        let values = first.array
        first.clear()
        #expect(try cache.state(batch).array == values)
    }

    @Test func `training above the prefix is training the whole`() throws {
        let ids = try sequences().filter { !$0.isEmpty }
        let sequences = ids.map { TrainingSequence(ids: $0) }
        let plan = sequences.map { sequence in
            SequenceLoss.crossEntropy(coefficients: sequence.targetRows.map { _ in 0.01 })
        }
        let partial = try GoldenModel("llama").load()
        let whole = try GoldenModel("llama").load()
        let above = try TrainableParameters(partial.decoder, scope: .matrices(layers: [2]))
        let all = try TrainableParameters(whole.decoder, scope: .matrices(layers: [0, 1, 2, 3]))
        #expect(above.lowestLayer == 2 && all.lowestLayer == 0)
        let abovePass = TrainingPass(partial.decoder, parameters: above)
        let allPass = TrainingPass(whole.decoder, parameters: all)
        // The second pass of each finds its prefix in the cache.
        for pass in 1...2 {
            let left = try abovePass.run(sequences) { _ in plan }
            let right = try allPass.run(sequences) { _ in plan }
            #expect(left.predicted == right.predicted)
            #expect(Closeness.mismatch(left.nll.flatMap { $0 }, right.nll.flatMap { $0 }, tolerance) == nil)
            let expected = try #require(all.gradients(2)).matrices.map(\.array)
            let actual = try #require(above.gradients(2)).matrices.map(\.array)
            for (gradient, other) in zip(actual, expected) {
                #expect(Closeness.mismatch(gradient, other, ofScale: 1e-4, "pass \(pass)") == nil)
            }
        }
        #expect(above.gradients(1) == nil && above.gradients(3) == nil)

        // After a step the cached prefix still is the model's.
        try AdamW(above).step(learningRate: 0.01)
        let cached = try abovePass.statistics(sequences)
        let fresh = try TrainingPass(
            partial.decoder, parameters: TrainableParameters(partial.decoder, scope: .matrices(layers: [0]))
        )
        .statistics(sequences)
        #expect(Closeness.mismatch(cached.nll.flatMap { $0 }, fresh.nll.flatMap { $0 }, tolerance) == nil)
    }
}

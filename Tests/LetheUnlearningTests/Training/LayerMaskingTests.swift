import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheUnlearning
import Testing

@Suite struct LayerMaskingTests {
    /// Mean NLL of some rows with one layer left out, straight from the definition.
    private func loss(_ model: LanguageModel, _ ids: [Int32], rows: Range<Int>, without skipped: Int?) throws -> Double
    {
        let batch = PackedBatch([ids])
        var state = try model.decoder.embed(batch)
        for layer in 0..<model.configuration.layerCount where layer != skipped {
            state = try model.decoder.forwardLayer(layer, state, batch: batch)
        }
        let nll = try OutputHead(model.decoder, hidden: state).statistics(targets: batch.nextTokens).nll
        return nll[rows].reduce(0) { $0 + Double($1) } / Double(rows.count)
    }

    @Test(arguments: GoldenModel.names)
    func `masked losses agree with PyTorch`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        for golden in try fixture.sequences {
            let result = try LayerMasking.measure(model, TrainingSequence(ids: golden.ids))
            let tolerance = Tolerance(absolute: 2e-3)
            #expect(Closeness.mismatch(result.loss, try golden.number("mean_nll"), tolerance) == nil)
            #expect(Closeness.mismatch(result.maskedLosses, try golden.numbers("masked_loss"), tolerance) == nil)
            #expect(result.changes == result.maskedLosses.map { abs($0 - result.loss) })
        }
    }

    @Test func `only counted tokens of the window have a say`() throws {
        let fixture = try GoldenModel("llama")
        let model = try fixture.load()
        let text = try fixture.longest.ids
        let long = text + text + text
        let layers = model.configuration.layerCount
        // Sequence, the ids that are used, and the rows that count among them.
        let cases: [(TrainingSequence, [Int32], Range<Int>)] = [
            (TrainingSequence(ids: text, firstTarget: 40), text, 39..<63),
            (TrainingSequence(ids: long), Array(long.prefix(128)), 0..<127),
            (TrainingSequence(ids: long, firstTarget: 100), Array(long.prefix(128)), 99..<127),
            // The prompt alone is too long: the last tokens are used instead.
            (TrainingSequence(ids: long, firstTarget: 150), Array(long.suffix(128)), 85..<127),
        ]
        for (sequence, ids, rows) in cases {
            let result = try LayerMasking.measure(model, sequence)
            let expected = try (0..<layers).map { try loss(model, ids, rows: rows, without: $0) }
            let tolerance = Tolerance(absolute: 1e-5, relative: 1e-5)
            #expect(
                Closeness.mismatch(result.loss, try loss(model, ids, rows: rows, without: nil), tolerance) == nil)
            #expect(Closeness.mismatch(result.maskedLosses, expected, tolerance) == nil)
        }
    }

    @Test func `a sequence without a counted token is refused`() throws {
        let model = try GoldenModel("llama").load()
        #expect(throws: LetheError.self) { try LayerMasking.measure(model, TrainingSequence(ids: [7])) }
        #expect(throws: LetheError.self) { try LayerMasking.measure(model, TrainingSequence(ids: [])) }
        #expect(throws: LetheError.self) {
            try LayerMasking.measure(model, TrainingSequence(ids: [7, 8, 9], firstTarget: 3))
        }
        #expect(throws: LetheError.self) { try LayerMasking.measure(model, TrainingSequence(ids: [7, 272])) }
    }
}

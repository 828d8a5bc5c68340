import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import Testing

/// Every family against what `transformers` computes for a tiny model of it; see Tests/Fixtures/models/generate.py.
@Suite struct GoldenFamilyTests {
    private static let logitTolerance = Tolerance(absolute: 2e-3)

    @Test func `every fixture is tested`() throws {
        let folder = GoldenModel.fixtures.appendingPathComponent("models")
        let found = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: [.isDirectoryKey]
        )
        .filter { FileManager.default.fileExists(atPath: $0.appendingPathComponent("golden.json").path) }
        .map(\.lastPathComponent).sorted()
        #expect(found == GoldenModel.names)
    }

    @Test(arguments: GoldenModel.names)
    func `the shape is the fixture's`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        #expect(model.configuration.layerCount == (try fixture.golden.require("layer_count").intValue))
        #expect(model.configuration.vocabularySize == (try fixture.golden.require("vocabulary_size").intValue))
        for sequence in try fixture.sequences {
            if let text = sequence.text { #expect(try model.encode(text) == sequence.ids) }
        }
    }

    @Test(arguments: GoldenModel.names)
    func `logits and log-probabilities agree`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let single = try fixture.golden.require("single")
        let alone = try logits(model, single.require("ids").integers().map { Int32($0) })
        #expect(
            Closeness.mismatch(alone.last ?? [], try single.require("last_logits").numbers(), Self.logitTolerance)
                == nil)
        for sequence in try fixture.sequences {
            let logits = try logits(model, sequence.ids)
            #expect(
                Closeness.mismatch(
                    logits.last ?? [], try sequence.numbers("last_logits"), Self.logitTolerance, "logits") == nil)
            let logProbabilities = try model.tokenLogProbabilities(sequence.ids)
            #expect(
                Closeness.mismatch(
                    logProbabilities, try sequence.numbers("token_logprobs"), Self.logitTolerance, "log-probabilities")
                    == nil)
            let mean = -logProbabilities.reduce(0) { $0 + Double($1) } / Double(logProbabilities.count)
            #expect(
                Closeness.mismatch(
                    mean, try sequence.number("mean_nll"), Tolerance(absolute: 0, relative: 1e-4), "mean NLL") == nil)
        }
    }

    @Test(arguments: GoldenModel.names)
    func `packed sequences do not see each other`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let sequences = try fixture.sequences
        let batch = PackedBatch([[]] + sequences.reversed().map(\.ids) + [[]])
        let nll = try model.statistics(batch).nll
        for (index, sequence) in sequences.reversed().enumerated() {
            let rows = batch.rows(index + 1)
            #expect(
                Closeness.mismatch(
                    nll[rows].dropLast().map { -$0 }, try sequence.numbers("token_logprobs"), Self.logitTolerance)
                    == nil)
        }
    }

    @Test(arguments: GoldenModel.names)
    func `every gradient agrees`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        // GPT-NeoX's head has another name in the checkpoint than in the module tree.
        let slots = Dictionary(
            uniqueKeysWithValues: model.slots.map { ($0.name == "embed_out.weight" ? "lm_head.weight" : $0.name, $0) })
        for sequence in try fixture.sequences {
            let computed = try ModelGradients(model, [sequence.ids])
            #expect(
                Closeness.mismatch(
                    computed.loss, try sequence.number("mean_nll"), Tolerance(absolute: 0, relative: 1e-4), "loss")
                    == nil)
            let golden = try #require(try sequence.json.require("gradients").objectValue)
            #expect(Set(golden.entries.map(\.key)) == Set(slots.keys))
            let total = try golden.entries.reduce(0) { try $0 + pow($1.value.require("norm").number(), 2) }.squareRoot()
            for (key, entry) in golden.entries {
                let slot = try #require(slots[key])
                #expect(try entry.require("shape").integers() == slot.shape)
                try expectGradient(computed.values(slot), entry, total: total, key)
            }
            // Rounding leaves a trace where the exact gradient is zero, as at the queries of the first token.
            let tolerance = Tolerance(absolute: 1e-6 * total, relative: 1e-3)
            let inputNorm = Kernels.sumOfSquares(computed.input).squareRoot()
            #expect(
                Closeness.mismatch(inputNorm, try sequence.number("first_layer_input_grad_norm"), tolerance) == nil)
            #expect(
                Closeness.mismatch(
                    inputNorm * Double(model.configuration.embeddingScale),
                    try sequence.number("input_embedding_grad_norm"), tolerance) == nil)
            #expect(
                Closeness.mismatch(
                    computed.layers.map { $0.matrixSumOfSquares.squareRoot() }, try sequence.numbers("layer_grad_norm"),
                    tolerance) == nil)
        }
    }

    @Test(arguments: GoldenModel.names)
    func `a layer of zeros is a skipped layer`(name: String) throws {
        let fixture = try GoldenModel(name)
        #expect(try fixture.golden.require("masked_is_identity").boolValue == true)
        let model = try fixture.load()
        for sequence in try fixture.sequences {
            let batch = PackedBatch([sequence.ids])
            let losses = try (0..<model.configuration.layerCount).map { skipped in
                let below = try model.decoder.forward(model.decoder.embed(batch), batch: batch, layers: 0..<skipped)
                let hidden = try model.decoder.forward(
                    below, batch: batch, layers: skipped + 1..<model.configuration.layerCount)
                let nll = try OutputHead(model.decoder, hidden: hidden).statistics(targets: batch.nextTokens).nll
                return nll.reduce(0) { $0 + Double($1) } / Double(nll.count - 1)
            }
            #expect(Closeness.mismatch(losses, try sequence.numbers("masked_loss"), Self.logitTolerance) == nil)
        }
    }

    @Test(arguments: GoldenModel.names)
    func `greedy generation through the cache agrees`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let generation = try fixture.golden.require("generation")
        let prompt = try generation.require("prompt_ids").integers().map { Int32($0) }
        let expected = try generation.require("new_ids").integers().map { Int32($0) }
        // Beside a longer prompt, so that the batch has caches of different lengths.
        let other = try Array(fixture.longest.ids.prefix(40))
        let batch = PackedBatch([other, prompt])
        let caches = try [other, prompt].map {
            try KeyValueCache(configuration: model.configuration, capacity: $0.count + expected.count)
        }
        let hidden = try model.decoder.forward(
            model.decoder.embed(batch), batch: batch, layers: 0..<model.configuration.layerCount, caches: caches)
        var state = try Matrix(rows: 2, columns: hidden.columns)
        for sequence in 0..<2 {
            state.rowRange(sequence, 1).assign(hidden.rowRange(batch.rows(sequence).upperBound - 1, 1))
        }
        var ids: [Int32] = []
        while true {
            let head = try OutputHead(model.decoder, hidden: state)
            let best = Kernels.logitStatistics(try head.logits(0..<2), targets: [0, 0]).argmax
            ids.append(best[1])
            if ids.count == expected.count { break }
            state = try model.decoder.step(best, caches: caches)
        }
        #expect(ids == expected)

        let generated = try TextGenerator(maximumNewTokens: expected.count).generate(model, prompts: [prompt, other])
        let ended = expected.firstIndex { model.endOfTextIDs.contains($0) }
        #expect(generated.first == Array(expected.prefix(ended.map { $0 + 1 } ?? expected.count)))
    }

    @Test(arguments: GoldenModel.names)
    func `steps agree with a whole pass`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let ids = try fixture.longest.ids
        let whole = try logits(model, ids)
        let cache = try KeyValueCache(configuration: model.configuration, capacity: ids.count)
        let first = PackedBatch([[ids[0]]])
        _ = try model.decoder.forward(
            model.decoder.embed(first), batch: first, layers: 0..<model.configuration.layerCount, caches: [cache])
        for index in ids.indices.dropFirst() {
            let state = try model.decoder.step([ids[index]], caches: [cache])
            let stepped = try OutputHead(model.decoder, hidden: state).logits(0..<1).array
            #expect(Closeness.mismatch(stepped, whole[index], Tolerance(absolute: 2e-4, relative: 1e-4)) == nil)
        }
        #expect(throws: LetheError.self) { try model.decoder.step([ids[0]], caches: [cache]) }
    }

    @Test(arguments: GoldenModel.names)
    func `the older configuration means the same model`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        try TemporaryFolder.with { folder in
            for file in ["model.safetensors", "tokenizer.json"] {
                try FileManager.default.copyItem(
                    at: fixture.folder.appendingPathComponent(file), to: folder.appendingPathComponent(file))
            }
            try FileManager.default.copyItem(
                at: fixture.folder.appendingPathComponent("config.legacy.json"),
                to: folder.appendingPathComponent("config.json"))
            let older = try ModelLoader.load(folder)
            #expect(older.configuration == model.configuration)
        }
    }

    @Test(arguments: GoldenModel.names)
    func `an exported folder is the same model`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        let ids = try fixture.longest.ids
        let original = try SafetensorsFile(fixture.folder.appendingPathComponent("model.safetensors"))
        let nll = try model.tokenLogProbabilities(ids)
        try TemporaryFolder.with { parent in
            let whole = parent.appendingPathComponent("whole")
            try ModelExporter.export(model, to: whole)
            let written = try SafetensorsFile(whole.appendingPathComponent("model.safetensors"))
            #expect(Set(written.tensorNames) == Set(original.tensorNames))
            for tensor in original.tensorNames {
                #expect(written.info(tensor)?.shape == original.info(tensor)?.shape)
                #expect(try written.readFloat32(tensor) == original.readFloat32(tensor), "\(tensor)")
            }
            let split = parent.appendingPathComponent("split")
            try ModelExporter.export(model, to: split, maximumShardBytes: 20_000)
            #expect(!FileManager.default.fileExists(atPath: split.appendingPathComponent("model.safetensors").path))
            for folder in [whole, split] {
                let again = try ModelLoader.load(folder)
                var configuration = again.configuration
                configuration.endOfTextIDs = model.configuration.endOfTextIDs
                #expect(configuration == model.configuration)
                #expect(again.endOfTextIDs == model.endOfTextIDs)
                #expect(try again.tokenLogProbabilities(ids) == nll)
            }
        }
    }

    /// Logits of every position.
    private func logits(_ model: LanguageModel, _ ids: [Int32]) throws -> [[Float]] {
        let batch = PackedBatch([ids])
        let hidden = try model.decoder.forward(
            model.decoder.embed(batch), batch: batch, layers: 0..<model.configuration.layerCount)
        let all = try OutputHead(model.decoder, hidden: hidden).logits(0..<ids.count)
        return ids.indices.map { all.rowRange($0, 1).array }
    }

    /// Norm and sample of a gradient. Single values may differ by 1e-3 of themselves plus 1e-4 of the tensor's root mean
    /// square; `total` is the norm of all gradients together.
    private func expectGradient(_ values: [Float], _ entry: JSONValue, total: Double, _ name: String) throws {
        let norm = try entry.require("norm").number()
        #expect(
            Closeness.mismatch(
                values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot(), norm,
                Tolerance(absolute: 1e-6 * total, relative: 1e-3), name) == nil)
        let sample = try entry.require("sample").numbers()
        let offset = try #require(try entry.require("sample_offset").intValue)
        try #require(offset + sample.count <= values.count)
        let scale = norm / Double(values.count).squareRoot()
        #expect(
            Closeness.mismatch(
                Array(values[offset..<offset + sample.count]), sample,
                Tolerance(absolute: 1e-4 * scale + 1e-7 * total, relative: 1e-3), name) == nil)
    }
}

import Foundation
import LetheCore
import LetheModel
import LetheTensor
import LetheTestSupport
import LetheTokenizers
import Testing

@Suite struct GGUFExporterTests {
    private static let texts = ["Ada lives at 12 Elm Row.", " it's\n\n1234 naïve 日本 😀<|im_end|>x", ""]

    @Test(arguments: ["llama", "llama-linear-rope"])
    func `F32 is read back as the same model, bit for bit`(name: String) throws {
        let fixture = try GoldenModel(name)
        let model = try fixture.load()
        try TemporaryFolder.with { folder in
            let url = folder.appendingPathComponent("model.gguf")
            try GGUFExporter.export(model, to: url, type: .f32)
            let again = try ModelLoader.load(url)
            var configuration = again.configuration
            configuration.endOfTextIDs = model.configuration.endOfTextIDs
            #expect(configuration == model.configuration)
            #expect(again.endOfTextIDs == model.endOfTextIDs)
            let left = model.decoder.weights
            let right = again.decoder.weights
            for (a, b) in zip(left.layers.flatMap(\.matrices), right.layers.flatMap(\.matrices)) {
                #expect(try a.matrix().array == b.matrix().array)
            }
            for (a, b) in zip(left.layers.flatMap(\.normVectors), right.layers.flatMap(\.normVectors)) {
                #expect(a.array == b.array)
            }
            #expect(try left.embedding.matrix().array == right.embedding.matrix().array)
            #expect(try left.head.matrix().array == right.head.matrix().array)
            let ids = try fixture.longest.ids
            #expect(try again.tokenLogProbabilities(ids) == model.tokenLogProbabilities(ids))
            for text in Self.texts { #expect(try again.encode(text) == model.encode(text)) }
        }
    }

    @Test func `F16 and Q8_0 are as close as their precision allows`() throws {
        let fixture = try GoldenModel("llama")
        let model = try fixture.load()
        try TemporaryFolder.with { folder in
            for (type, bits) in [(GGUFExporter.WeightType.f16, 0x1p-11), (.q8_0, 0.5 / 127 + 0x1p-11)] {
                let url = folder.appendingPathComponent("\(type.rawValue).gguf")
                try GGUFExporter.export(model, to: url, type: type)
                let again = try ModelLoader.load(url)
                for (a, b) in zip(
                    model.decoder.weights.layers.flatMap(\.matrices), again.decoder.weights.layers.flatMap(\.matrices))
                {
                    let expected = try a.matrix().array
                    let largest = expected.reduce(0) { max($0, abs($1)) }
                    let off = zip(expected, try b.matrix().array).reduce(0) { max($0, abs($1.0 - $1.1)) }
                    #expect(off > 0 && Double(off) <= Double(largest) * bits)
                }
                #expect(try GGUFFile(url).info("output_norm.weight")?.ggmlType == .f32)
            }
            let sizes = try ["f16", "q8_0"].map {
                try Data(contentsOf: folder.appendingPathComponent("\($0).gguf")).count
            }
            #expect(sizes[1] < sizes[0])
        }
    }

    @Test func `a GGUF file that is read and written keeps its tokenizer`() throws {
        let tiny = GoldenModel.fixtures.appendingPathComponent("commands/tiny.gguf")
        let model = try ModelLoader.load(tiny)
        try TemporaryFolder.with { folder in
            let url = folder.appendingPathComponent("again.gguf")
            try GGUFExporter.export(model, to: url, type: .f32)
            let old = try GGUFFile(tiny).vocabulary()
            let new = try GGUFFile(url).vocabulary()
            #expect(old.tokens == new.tokens && old.merges == new.merges && old.model == new.model)
            #expect(old.eosID == new.eosID && old.bosID == new.bosID)
            for text in Self.texts {
                #expect(try ModelLoader.load(url).encode(text) == model.encode(text))
            }
        }
    }

    @Test(arguments: ["gemma", "gpt2", "gpt-neox", "phi", "phi3", "qwen2", "qwen3", "mistral", "llama3-rope"])
    func `what the llama architecture cannot say is refused, and nothing is written`(name: String) throws {
        let model = try GoldenModel(name).load()
        try TemporaryFolder.with { folder in
            let url = folder.appendingPathComponent("model.gguf")
            let error = #expect(throws: LetheError.self) { try GGUFExporter.export(model, to: url, type: .f32) }
            #expect(error?.code == .unsupported)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left == [])
        }
    }

    @Test(arguments: ["smollm", "gpt2", "llama3", "qwen2"])
    func `tokenizers that GGUF can name give the same ids when read back`(name: String) throws {
        let folder = GoldenModel.fixtures.appendingPathComponent("tokenizers")
        let data = try Data(contentsOf: folder.appendingPathComponent("\(name).tokenizer.json"))
        let tokenizer = try TokenizerLoader.tokenizerJSON(data)
        let vocabulary = try GGUFVocabulary(tokenizer, tokenCount: tokenizer.vocabularySize + 3)
        #expect(vocabulary.tokens.count == tokenizer.vocabularySize + 3)
        #expect(vocabulary.tokenTypes.suffix(3) == [5, 5, 5])
        let again = try TokenizerLoader.gguf(vocabulary)
        let texts = try GoldenModel.json(folder.appendingPathComponent("texts.json"))
        let all = try texts.list().compactMap(\.stringValue)
        try #require(all.count > 100)
        for text in all {
            #expect(
                try again.encode(text, addSpecialTokens: true) == tokenizer.encode(text, addSpecialTokens: true))
        }
    }

    @Test(arguments: ["unigram", "bert-cased", "gemma", "mistral", "o200k", "llama2"])
    func `tokenizers that GGUF cannot name are refused`(name: String) throws {
        let folder = GoldenModel.fixtures.appendingPathComponent("tokenizers")
        let data = try Data(contentsOf: folder.appendingPathComponent("\(name).tokenizer.json"))
        let tokenizer = try TokenizerLoader.tokenizerJSON(data)
        let error = #expect(throws: LetheError.self) {
            try GGUFVocabulary(tokenizer, tokenCount: tokenizer.vocabularySize)
        }
        #expect(error?.code == .unsupported)
    }
}

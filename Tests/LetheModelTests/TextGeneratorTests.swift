import LetheCore
import LetheModel
import LetheTestSupport
import Testing

@Suite struct TextGeneratorTests {
    @Test(arguments: ["llama", "gpt2"])
    func `a prompt's own limit only ends it sooner`(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.load()
        let prompts = try golden.sequences.map { Array($0.ids.prefix(3)) }
        let generator = TextGenerator(maximumNewTokens: 8)
        let whole = try generator.generate(model, prompts: prompts)
        let limits = prompts.indices.map { [5, 0, 20][$0 % 3] }
        let limited = try generator.generate(model, prompts: zip(prompts, limits).map { ($0, $1) })
        #expect(limited == zip(whole, limits).map { Array($0.prefix($1)) })
        #expect(whole.contains { $0.count > 5 })
        #expect(throws: LetheError.self) { try generator.generate(model, prompts: [([], 1)]) }
    }
}

import Foundation
import LetheCore
import LetheModel
import LetheTokenizers
import LetheUnlearning
import Testing

/// SmolLM2-135M-Instruct against values from PyTorch and the `tokenizers` library (Tests/Fixtures/golden/README.md).
@Suite(.enabled(if: RealModels.arePresent), .serialized, .timeLimit(.minutes(10)))
struct SmolLM2Tests {
    @Test func tokenizerGivesTheReferenceIDsAndDecodesBack() throws {
        let tokenizer = try ModelLoader.tokenizer(RealModels.smolLM2)
        let cases = try RealModels.golden("tokenizer").list("cases")
        #expect(cases.count >= 40)
        for example in cases {
            let text = try example.text("text")
            let ids = try tokenizer.encode(text, addSpecialTokens: false)
            #expect(try ids == example.ids("ids"))
            #expect(tokenizer.decode(ids, skipSpecialTokens: false).utf8.elementsEqual(text.utf8))
        }
    }

    @Test func anExportedTokenizerGivesTheSameIDs() throws {
        let tokenizer = try ModelLoader.tokenizer(RealModels.smolLM2)
        let reread = try TokenizerLoader.tokenizerJSON(tokenizer.tokenizerJSON())
        for example in try RealModels.golden("tokenizer").list("cases") {
            #expect(try reread.encode(example.text("text"), addSpecialTokens: false) == example.ids("ids"))
        }
    }

    @Test func forwardGenerationGradientsAndMaskingMatchPyTorch() throws {
        let golden = try RealModels.golden("smollm2")
        let model = try ModelLoader.load(RealModels.smolLM2)
        for example in try golden.list("forward") {
            let ids = try model.encode(example.text("text"))
            #expect(try ids == example.ids("ids"))
            let logs = try model.tokenLogProbabilities(ids).map(Double.init)
            let expected = try example.numbers("token_logprobs")
            try #require(logs.count == expected.count)
            for (value, reference) in zip(logs, expected) { #expect(abs(value - reference) <= 2e-3) }
            let mean = -logs.reduce(0, +) / Double(logs.count)
            #expect(try relativeError(mean, example.number("mean_nll")) <= 1e-4)
        }
        for example in try golden.list("generate") {
            let prompt = try model.encode(example.text("prompt"))
            #expect(try prompt == example.ids("prompt_ids"))
            let new = try TextGenerator(maximumNewTokens: 32).generate(model, prompts: [prompt])[0]
            #expect(try new == example.ids("new_ids"))
            #expect(try model.tokenizer.decode(new, skipSpecialTokens: true) == example.text("text"))
        }
        for example in try golden.list("gradients") {
            let sequence = TrainingSequence(ids: try model.encode(example.text("text")))
            let inspection = try GradientInspection(model, [sequence], withLayerNorms: true)
            #expect(try relativeError(inspection.loss, example.number("loss")) <= 1e-4)
            #expect(
                try relativeError(inspection.inputEmbeddingNorm, example.number("input_embedding_grad_norm")) <= 1e-3)
            let expected = try example.numbers("layer_grad_norm_attn_mlp")
            try #require(inspection.layerNorms.count == expected.count)
            for (value, reference) in zip(inspection.layerNorms, expected) {
                #expect(relativeError(value, reference) <= 1e-3)
            }
        }
        for example in try golden.list("attribution") {
            let sequence = TrainingSequence(ids: try model.encode(example.text("text")))
            let masking = try LayerMasking.measure(model, sequence)
            #expect(try abs(masking.loss - example.number("base_loss")) <= 2e-3)
            let expected = try example.numbers("masked_loss")
            try #require(masking.maskedLosses.count == expected.count)
            for (value, reference) in zip(masking.maskedLosses, expected) { #expect(abs(value - reference) <= 2e-3) }
        }
    }
}

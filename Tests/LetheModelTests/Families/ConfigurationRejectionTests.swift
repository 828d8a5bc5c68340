import Foundation
import LetheCore
import LetheModel
import LetheTestSupport
import Testing

/// What this build cannot run says so, and names it; nothing is guessed.
@Suite struct ConfigurationRejectionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var family: String
        var changes: [(String, JSONValue)]
        var code: LetheError.Code
        /// What the message names.
        var named: String
        var testDescription: String { "\(family): \(named)" }

        init(_ family: String, _ changes: [(String, JSONValue)], _ code: LetheError.Code, _ named: String) {
            self.family = family
            self.changes = changes
            self.code = code
            self.named = named
        }
    }

    private static func object(_ entries: (String, JSONValue)...) -> JSONValue { .object(JSONObject(entries)) }

    private static func rope(_ type: String) -> [(String, JSONValue)] {
        [("rope_parameters", object(("rope_type", .string(type)), ("rope_theta", 10_000), ("factor", 2)))]
    }

    static let unsupported: [Case] = [
        Case("llama", rope("yarn"), .unsupported, "yarn"),
        Case("llama", rope("dynamic"), .unsupported, "dynamic"),
        Case("qwen2", rope("mrope"), .unsupported, "mrope"),
        Case("phi3", rope("longrope"), .unsupported, "longrope"),
        Case("phi3", [("rope_parameters", .null), ("rope_scaling", object(("type", "su")))], .unsupported, "su"),
        Case("llama", [("hidden_act", "quick_gelu")], .unsupported, "quick_gelu"),
        Case("gpt2", [("activation_function", "tanh")], .unsupported, "tanh"),
        Case("llama", [("partial_rotary_factor", 0.5)], .unsupported, "partial_rotary_factor"),
        Case("llama", [("model_type", "mixtral")], .unsupported, "mixtral"),
        Case("llama", [("model_type", "qwen3_moe")], .unsupported, "qwen3_moe"),
        Case("llama", [("quantization_config", object(("quant_method", "gptq")))], .unsupported, "quantization_config"),
        Case("mistral", [("layer_types", .array(["full_attention"]))], .unsupported, "layer_types"),
        Case(
            "qwen2", [("layer_types", .array(["full_attention", "chunked_attention", "full_attention"]))], .unsupported,
            "layer_types"),
        Case("gpt2", [("scale_attn_by_inverse_layer_idx", true)], .unsupported, "scale_attn_by_inverse_layer_idx"),
        Case("gpt2", [("add_cross_attention", true)], .unsupported, "add_cross_attention"),
        Case("phi", [("qk_layernorm", true)], .unsupported, "qk_layernorm"),
        Case("gemma", [("use_bidirectional_attention", true)], .unsupported, "use_bidirectional_attention"),
        Case("gemma3", [("attn_logit_softcapping", 30)], .unsupported, "attn_logit_softcapping"),
        Case("gemma", [("hidden_activation", "silu")], .unsupported, "hidden_activation"),
    ]

    static let bad: [Case] = [
        Case(
            "llama", [("rope_parameters", .null), ("rope_scaling", object(("factor", 2)))], .badData, "rope_scaling"),
        Case(
            "llama", [("rope_parameters", object(("rope_type", "linear"), ("rope_theta", 10_000)))], .badData, "factor"),
        Case("qwen2", [("layer_types", .array(["full_attention"]))], .badData, "layer_types"),
        Case(
            "qwen2", [("layer_types", .array(["full_attention", "sliding_attention", "full_attention"]))], .badData,
            "sliding_window"),
        Case("gemma3", rope("default"), .badData, "rope_parameters"),
        Case("gpt-neox", [("rope_parameters", .null), ("rotary_pct", 0)], .badData, "rotary_pct"),
        Case("gpt-neox", [("rope_parameters", .null), ("rotary_pct", 1.5)], .badData, "rotary_pct"),
        Case("gpt-neox", [("num_attention_heads", 3)], .badData, "num_attention_heads"),
        Case("gpt2", [("n_head", 3)], .badData, "n_head"),
        Case("gemma2", [("query_pre_attn_scalar", 0)], .badData, "query_pre_attn_scalar"),
        Case("gemma2", [("final_logit_softcapping", -1)], .badData, "softcap"),
        Case("llama", [("num_key_value_heads", 3)], .badData, "num_key_value_heads"),
        Case("llama", [("hidden_size", 0)], .badData, "hidden_size"),
        Case("llama", [("hidden_size", -32)], .badData, "hidden_size"),
        Case("llama", [("hidden_size", 1e30)], .badData, "hidden_size"),
        Case("llama", [("hidden_size", "32")], .badData, "hidden_size"),
        Case("llama", [("hidden_size", .null)], .badData, "hidden_size"),
        Case("llama", [("rms_norm_eps", 0)], .badData, "epsilon"),
        Case("mistral", [("sliding_window", 0)], .badData, "sliding_window"),
        Case("llama", [("num_hidden_layers", 5000)], .limitExceeded, "num_hidden_layers"),
        Case("llama", [("head_dim", 7)], .badData, "rotary"),
        Case("llama", [("num_hidden_layers", 5)], .badData, "model.layers.4"),
        Case("llama", [("num_hidden_layers", 3)], .badData, "model.layers.3"),
        Case("llama", [("vocab_size", 271)], .badData, "model.embed_tokens.weight"),
        Case("llama", [("tie_word_embeddings", false)], .badData, "lm_head.weight"),
        Case("qwen3", [("attention_bias", true)], .badData, "bias"),
        Case("gpt-neox", [("attention_bias", false)], .badData, "bias"),
    ]

    @Test(arguments: unsupported + bad)
    func `is refused by name`(_ refused: Case) throws {
        var folder = try ModelFolder(refused.family)
        folder.changes = JSONObject(refused.changes)
        let error = #expect(throws: LetheError.self) { _ = try folder.load() }
        #expect(error?.code == refused.code)
        #expect(error?.message.contains(refused.named) == true, "\(error?.message ?? "")")
    }

    @Test func `tensors must be all there and nothing more`() throws {
        var folder = try ModelFolder("llama")
        folder.edit = { tensors in tensors.filter { $0.name != "model.layers.2.mlp.up_proj.weight" } }
        var error = #expect(throws: LetheError.self) { _ = try folder.load() }
        #expect(error?.message.contains("model.layers.2.mlp.up_proj.weight") == true)
        folder.edit = { tensors in tensors + [ModelFolder.Tensor(name: "model.extra.weight", shape: [1], values: [0])] }
        error = #expect(throws: LetheError.self) { _ = try folder.load() }
        #expect(error?.message.contains("model.extra.weight") == true)
        folder.edit = { tensors in
            tensors.map { tensor in
                var tensor = tensor
                if tensor.name == "model.norm.weight" { tensor.shape = [1, tensor.values.count] }
                return tensor
            }
        }
        error = #expect(throws: LetheError.self) { _ = try folder.load() }
        #expect(error?.message.contains("model.norm.weight") == true)
    }

    @Test func `buffers that older checkpoints carry are ignored`() throws {
        for (family, name) in [
            ("gpt2", "transformer.h.0.attn.bias"), ("gpt2", "transformer.h.1.attn.masked_bias"),
            ("llama", "model.layers.0.self_attn.rotary_emb.inv_freq"),
            ("gpt-neox", "gpt_neox.layers.0.attention.bias"),
            ("gpt-neox", "gpt_neox.layers.0.attention.rotary_emb.inv_freq"),
        ] {
            var folder = try ModelFolder(family)
            folder.edit = { tensors in tensors + [ModelFolder.Tensor(name: name, shape: [1, 2], values: [0, 0])] }
            _ = try folder.load()
        }
    }

    @Test func `batches that do not fit the model are refused`() throws {
        let model = try GoldenModel("gpt2").load()
        let limit = model.configuration.maximumPositions
        _ = try model.tokenLogProbabilities(Array(repeating: 1, count: limit))
        #expect(throws: LetheError.self) { try model.tokenLogProbabilities(Array(repeating: 1, count: limit + 1)) }
        #expect(throws: LetheError.self) { try model.tokenLogProbabilities([1, 272]) }
        #expect(throws: LetheError.self) { try model.tokenLogProbabilities([1, -1]) }
        #expect(throws: LetheError.self) { try KeyValueCache(configuration: model.configuration, capacity: limit + 1) }
        #expect(throws: LetheError.self) { try KeyValueCache(configuration: model.configuration, capacity: 0) }
    }
}

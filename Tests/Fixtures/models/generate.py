"""Makes the tiny random-weight model folders of this directory and their golden values.

    python generate.py [FAMILY ...]        (no argument: every family)

Pinned: Python 3.11, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, safetensors 0.8.0; fp32, one
thread, eager attention. Seed: 20260 + the family's place in FAMILIES + 1000 * the first attempt whose greedy
generation is varied and not decided by less than 0.02 (see `golden.json`, generator.seed). Running it again with
these versions gives the same files.

Each folder holds config.json and model.safetensors as `save_pretrained` writes them, tokenizer.json (one
byte-level BPE for all families: digits apart, 256 bytes, 13 merges, 3 special tokens) with a minimal
tokenizer_config.json, config.legacy.json (the same configuration in the keys that transformers 4 wrote; it is
loaded here too and must give the same logits) and golden.json:

    architecture, layer_count, vocabulary_size
    masked_is_identity       every parameter of a layer zero: the layer gives back its input, bit for bit
    layer_matrices           for each layer the names of its attention and MLP matrices (no biases, no norms)
    single                   a sequence of one token: ids, last_logits
    sequences                text (or null), ids, and for those ids
        last_logits              the whole vocabulary, at the last position
        token_logprobs           natural log, of tokens 2..T
        mean_nll                 minus their mean
        input_embedding_grad_norm    Frobenius norm of d mean_nll / d (rows looked up in the embedding table,
                                     before any scaling by the architecture and before position embeddings)
        first_layer_input_grad_norm  the same for what enters layer 0
        layer_grad_norm          for each layer, over layer_matrices together
        gradients                for every parameter: shape, norm, and `sample`: up to 16 values of the
                                 row-major flattened gradient from `sample_offset` on
        masked_loss              mean_nll with each layer's parameters all zero in turn
    generation               prompt_ids, new_ids (12 greedy tokens, never stopped), smallest_margin (the least
                             gap between the best and the second best logit on the way)
"""

import json
import math
import pathlib
import shutil
import sys
import tempfile

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).resolve().parent
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCABULARY_SIZE = 272
TEXTS = [
    "Ada lives at 12 Elm Row.",
    "The ferry to Marrow Island leaves at 7:45 from pier 3, and the night crew sings.",
]
PAIR = [41, 107]
SINGLE = [77]
TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<|im_start|>",
    "eos_token": "<|im_end|>",
    "unk_token": "<|endoftext|>",
    "clean_up_tokenization_spaces": False,
    "model_max_length": 256,
}
CORPUS = [
    "The lamp on the pier is lit at seven, and the ferry leaves when the tide is in.",
    "Ada Quill lives at 12 Elm Row; her sister Ines lives on Marrow Island.",
    "There is a song about the night crew and the long rope, and everyone there sings it.",
]


def rounded(value):
    """A float with the nine significant digits that identify a float32."""
    value = float(value.detach() if isinstance(value, torch.Tensor) else value)
    assert math.isfinite(value), "golden values are finite"
    return float(f"{value:.9g}")


def rounded_list(tensor):
    return [rounded(value) for value in tensor.flatten().tolist()]


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    assert tokenizer.get_vocab_size() == VOCABULARY_SIZE
    return tokenizer


COMMON = dict(
    vocab_size=VOCABULARY_SIZE,
    max_position_embeddings=256,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=None,
)
SMALL = dict(COMMON, hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4)
ODD = dict(COMMON, hidden_size=40, intermediate_size=72, num_hidden_layers=3, num_attention_heads=4)


def rope(theta, **more):
    return dict({"rope_type": "default", "rope_theta": theta}, **more)


def family_llama():
    return transformers.LlamaConfig(
        **SMALL, num_key_value_heads=2, rope_parameters=rope(10000.0), tie_word_embeddings=True, rms_norm_eps=1e-5
    )


def family_llama3_rope():
    scaling = rope(
        10000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=128,
    )
    return transformers.LlamaConfig(
        **ODD, num_key_value_heads=1, rope_parameters=scaling, tie_word_embeddings=False, rms_norm_eps=1e-5
    )


def family_llama_linear_rope():
    return transformers.LlamaConfig(
        **ODD, num_key_value_heads=4, rope_parameters=rope(10000.0, rope_type="linear", factor=2.5),
        tie_word_embeddings=False, rms_norm_eps=1e-6, attention_bias=False,
    )


def family_mistral():
    return transformers.MistralConfig(
        **ODD, num_key_value_heads=2, head_dim=12, sliding_window=16, rope_parameters=rope(10000.0),
        tie_word_embeddings=False, rms_norm_eps=1e-5,
    )


def family_qwen2():
    return transformers.Qwen2Config(
        **ODD, num_key_value_heads=2, rope_parameters=rope(1000000.0), tie_word_embeddings=True, rms_norm_eps=1e-6,
        use_sliding_window=False,
    )


def family_qwen3():
    return transformers.Qwen3Config(
        **ODD, num_key_value_heads=2, head_dim=16, rope_parameters=rope(1000000.0), tie_word_embeddings=True,
        rms_norm_eps=1e-6, use_sliding_window=False,
    )


def family_phi():
    return transformers.PhiConfig(
        **ODD, rope_parameters=rope(10000.0, partial_rotary_factor=0.4), partial_rotary_factor=0.4,
        layer_norm_eps=1e-5, tie_word_embeddings=False, resid_pdrop=0.0, embd_pdrop=0.0, hidden_act="gelu_new",
    )


def family_phi3():
    return transformers.Phi3Config(
        **ODD, num_key_value_heads=2, rope_parameters=rope(10000.0), tie_word_embeddings=False, rms_norm_eps=1e-5,
        sliding_window=20, resid_pdrop=0.0, embd_pdrop=0.0,
    )


def family_gemma():
    return transformers.GemmaConfig(
        **ODD, num_key_value_heads=1, head_dim=16, rope_parameters=rope(10000.0), rms_norm_eps=1e-6,
        hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True,
    )


def family_gemma2():
    return transformers.Gemma2Config(
        **ODD, num_key_value_heads=2, head_dim=12, rope_parameters=rope(10000.0),
        rms_norm_eps=1e-6, query_pre_attn_scalar=20, sliding_window=16, attn_logit_softcapping=3.0,
        final_logit_softcapping=2.5, hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True,
    )


def family_gemma3():
    layer_types = ["sliding_attention", "full_attention", "sliding_attention"]
    return transformers.Gemma3TextConfig(
        **ODD, num_key_value_heads=1, head_dim=16, rms_norm_eps=1e-6,
        query_pre_attn_scalar=24, sliding_window=16, layer_types=layer_types,
        rope_parameters={
            "full_attention": rope(1000000.0, rope_type="linear", factor=4.0),
            "sliding_attention": rope(10000.0),
        },
        hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True,
    )


def family_gpt2():
    return transformers.GPT2Config(
        vocab_size=VOCABULARY_SIZE, n_positions=80, n_embd=40, n_layer=3, n_head=4, n_inner=None,
        activation_function="gelu_new", resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, layer_norm_epsilon=1e-5,
        bos_token_id=0, eos_token_id=0, tie_word_embeddings=True,
    )


def family_gpt_neox():
    return transformers.GPTNeoXConfig(
        **ODD, rope_parameters=rope(10000.0, partial_rotary_factor=0.4), use_parallel_residual=True,
        layer_norm_eps=1e-5, hidden_act="gelu", tie_word_embeddings=False, attention_dropout=0.0,
        hidden_dropout=0.0,
    )


def family_gpt_neox_sequential():
    return transformers.GPTNeoXConfig(
        **dict(ODD, num_hidden_layers=2), rope_parameters=rope(10000.0, partial_rotary_factor=1.0),
        use_parallel_residual=False, layer_norm_eps=1e-5, hidden_act="gelu", tie_word_embeddings=False,
        attention_dropout=0.0, hidden_dropout=0.0,
    )


FAMILIES = {
    "llama": family_llama,
    "llama3-rope": family_llama3_rope,
    "llama-linear-rope": family_llama_linear_rope,
    "mistral": family_mistral,
    "qwen2": family_qwen2,
    "qwen3": family_qwen3,
    "phi": family_phi,
    "phi3": family_phi3,
    "gemma": family_gemma,
    "gemma2": family_gemma2,
    "gemma3": family_gemma3,
    "gpt2": family_gpt2,
    "gpt-neox": family_gpt_neox,
    "gpt-neox-sequential": family_gpt_neox_sequential,
}


def decoder_layers(model):
    """The decoder blocks, and the prefix of their parameter names."""
    for prefix in ("model.layers", "transformer.h", "gpt_neox.layers"):
        try:
            return model.get_submodule(prefix), prefix
        except AttributeError:
            continue
    raise ValueError("no decoder layers found")


def is_matrix_of_layer(name, parameter, prefix):
    return name.startswith(prefix + ".") and parameter.dim() == 2


def initialise(model, seed):
    """Random weights that are far from uniform logits and from unit norms, so that nothing cancels."""
    generator = torch.Generator().manual_seed(seed)
    embedding = model.get_input_embeddings().weight
    zero_centred_norm = model.config.model_type.startswith("gemma")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter is embedding:
                # Gemma multiplies its embeddings by the root of the width.
                parameter.copy_((0.1 if zero_centred_norm else 0.5) * noise)
            elif parameter.dim() >= 2:
                parameter.copy_(0.2 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.1 * noise)
            else:
                parameter.copy_((0.3 if zero_centred_norm else 1.0) + (0.3 if zero_centred_norm else 0.15) * noise)


def forward_rows(model, ids):
    """Logits, the embedding rows as looked up (a leaf with a gradient), and the input of layer 0."""
    table = model.get_input_embeddings()
    rows = torch.nn.functional.embedding(torch.tensor([ids]), table.weight)
    rows.retain_grad()
    scale = getattr(table, "embed_scale", None)
    embedded = rows if scale is None else rows * scale.to(rows.dtype)
    layers, _ = decoder_layers(model)
    seen = []

    def keep(_module, args, kwargs):
        hidden = args[0] if args else kwargs["hidden_states"]
        hidden.retain_grad()
        seen.append(hidden)

    hook = layers[0].register_forward_pre_hook(keep, with_kwargs=True)
    try:
        logits = model(inputs_embeds=embedded, use_cache=False).logits[0]
    finally:
        hook.remove()
    return logits, rows, seen[0]


def token_logprobs(logits, ids):
    log_probabilities = torch.log_softmax(logits.float(), dim=-1)
    return log_probabilities[:-1].gather(1, torch.tensor(ids[1:]).unsqueeze(1)).squeeze(1)


@torch.no_grad()
def mean_nll(model, ids):
    return -token_logprobs(model(torch.tensor([ids]), use_cache=False).logits[0], ids).mean()


class MaskedLayer:
    """Within the block every parameter of one layer is zero."""

    def __init__(self, layer):
        self.layer = layer

    def __enter__(self):
        self.saved = [parameter.detach().clone() for parameter in self.layer.parameters()]
        with torch.no_grad():
            for parameter in self.layer.parameters():
                parameter.zero_()

    def __exit__(self, *_):
        with torch.no_grad():
            for parameter, saved in zip(self.layer.parameters(), self.saved):
                parameter.copy_(saved)


def masked_is_identity(model, ids):
    layers, _ = decoder_layers(model)
    worst = 0.0
    for layer in layers:
        seen = {}

        def before(_module, args, kwargs):
            seen["input"] = (args[0] if args else kwargs["hidden_states"]).detach().clone()

        def after(_module, _args, output):
            seen["output"] = (output[0] if isinstance(output, tuple) else output).detach()

        hooks = [layer.register_forward_pre_hook(before, with_kwargs=True), layer.register_forward_hook(after)]
        with MaskedLayer(layer), torch.no_grad():
            model(torch.tensor([ids]), use_cache=False)
        for hook in hooks:
            hook.remove()
        worst = max(worst, (seen["input"] - seen["output"]).abs().max().item())
    return worst == 0.0


def gradient_entry(model, parameter, ids, count):
    gradient = parameter.grad
    offset = 0
    if parameter is model.get_input_embeddings().weight:
        offset = ids[0] * parameter.shape[1]
    return {
        "shape": list(parameter.shape),
        "norm": rounded(gradient.double().norm()),
        "sample_offset": offset,
        "sample": rounded_list(gradient.flatten()[offset:offset + count]),
    }


def golden_sequence(model, text, ids):
    layers, prefix = decoder_layers(model)
    model.zero_grad(set_to_none=True)
    logits, rows, first_input = forward_rows(model, ids)
    plain = model(torch.tensor([ids]), use_cache=False).logits[0]
    assert torch.equal(plain, logits), "embedding rows by hand must be the model's own"
    log_probabilities = token_logprobs(logits, ids)
    loss = -log_probabilities.mean()
    loss.backward()
    layer_norms = []
    for index in range(len(layers)):
        squares = [
            parameter.grad.double().square().sum()
            for name, parameter in model.named_parameters()
            if is_matrix_of_layer(name, parameter, f"{prefix}.{index}")
        ]
        layer_norms.append(rounded(torch.stack(squares).sum().sqrt()))
    masked = []
    for layer in layers:
        with MaskedLayer(layer):
            masked.append(rounded(mean_nll(model, ids)))
    return {
        "text": text,
        "ids": ids,
        "last_logits": rounded_list(logits[-1].detach()),
        "token_logprobs": rounded_list(log_probabilities.detach()),
        "mean_nll": rounded(loss),
        "input_embedding_grad_norm": rounded(rows.grad.double().norm()),
        "first_layer_input_grad_norm": rounded(first_input.grad.double().norm()),
        "layer_grad_norm": layer_norms,
        "gradients": {
            name: gradient_entry(model, parameter, ids, 16) for name, parameter in model.named_parameters()
        },
        "masked_loss": masked,
    }


@torch.no_grad()
def greedy(model, prompt, count):
    ids = list(prompt)
    margin = math.inf
    for _ in range(count):
        logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        best = torch.topk(logits, 2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        ids.append(best.indices[0].item())
    return {"prompt_ids": list(prompt), "new_ids": ids[len(prompt):], "smallest_margin": rounded(margin)}


def legacy_configuration(configuration):
    """config.json as transformers 4 wrote it: rope_theta, rope_scaling and torch_dtype at the top level."""
    legacy = dict(configuration)
    legacy["torch_dtype"] = legacy.pop("dtype")
    legacy["transformers_version"] = "4.51.0"
    parameters = legacy.pop("rope_parameters", None)
    if parameters is None:
        return legacy
    if "full_attention" in parameters:
        full = dict(parameters["full_attention"])
        legacy["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        legacy["sliding_window_pattern"] = legacy["layer_types"].index("full_attention") + 1
    else:
        full = dict(parameters)
    if legacy["model_type"] in ("gemma2", "gemma3_text"):
        legacy.pop("layer_types", None)
        legacy.pop("_sliding_window_pattern", None)
    partial = full.pop("partial_rotary_factor", None)
    theta = full.pop("rope_theta")
    if legacy["model_type"] == "gpt_neox":
        legacy["rotary_emb_base"] = theta
        legacy["rotary_pct"] = partial
    else:
        legacy["rope_theta"] = theta
        if partial is not None:
            legacy["partial_rotary_factor"] = partial
    legacy["rope_scaling"] = None if full["rope_type"] == "default" else full
    return legacy


def versions():
    import safetensors
    import tokenizers

    return {
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "safetensors": safetensors.__version__,
    }


def make_model(name, prompt):
    configuration = FAMILIES[name]()
    configuration._attn_implementation = "eager"
    for attempt in range(100):
        seed = 20260 + list(FAMILIES).index(name) + 1000 * attempt
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(configuration, dtype=torch.float32).eval()
        assert model.config._attn_implementation == "eager"
        initialise(model, seed)
        generation = greedy(model, prompt, 12)
        if generation["smallest_margin"] >= 0.02 and len(set(generation["new_ids"])) >= 4:
            return model, seed, generation
    raise ValueError(f"{name}: no seed gives a varied and clear greedy generation")


def load(folder):
    model, report = transformers.AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32, output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    return model.eval()


def check_legacy(folder, model, ids):
    """transformers reads the older keys to the same model."""
    with tempfile.TemporaryDirectory() as temporary:
        other = pathlib.Path(temporary)
        shutil.copyfile(folder / "config.legacy.json", other / "config.json")
        shutil.copyfile(folder / "model.safetensors", other / "model.safetensors")
        with torch.no_grad():
            expected = model(torch.tensor([ids]), use_cache=False).logits
            actual = load(other)(torch.tensor([ids]), use_cache=False).logits
    assert torch.equal(expected, actual), "config.legacy.json must mean the same as config.json"


def make_family(name):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    tokenizer = make_tokenizer()
    encoded = [tokenizer.encode(text).ids for text in TEXTS]
    model, seed, generation = make_model(name, encoded[0][:8])
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG, indent=2) + "\n")
    legacy = legacy_configuration(json.loads((folder / "config.json").read_text()))
    (folder / "config.legacy.json").write_text(json.dumps(legacy, indent=2, sort_keys=True) + "\n")

    sequences = [(None, PAIR)] + list(zip(TEXTS, encoded))
    layers, prefix = decoder_layers(model)
    with torch.no_grad():
        single = rounded_list(model(torch.tensor([SINGLE]), use_cache=False).logits[0, -1])
    identity = masked_is_identity(model, sequences[-1][1])
    golden = {
        "generator": {"script": "generate.py", "family": name, "seed": seed, "versions": versions()},
        "architecture": model.config.architectures[0],
        "layer_count": len(layers),
        "vocabulary_size": VOCABULARY_SIZE,
        "masked_is_identity": identity,
        "layer_matrices": [
            [key for key, value in model.named_parameters() if is_matrix_of_layer(key, value, f"{prefix}.{index}")]
            for index in range(len(layers))
        ],
        "single": {"ids": SINGLE, "last_logits": single},
        "sequences": [golden_sequence(model, text, ids) for text, ids in sequences],
        "generation": generation,
    }
    write_json(folder / "golden.json", golden)

    check_legacy(folder, model, sequences[-1][1])
    again = mean_nll(load(folder), sequences[-1][1])
    assert abs(again.item() - golden["sequences"][-1]["mean_nll"]) < 1e-6, "saved weights must be the golden ones"
    size = sum(file.stat().st_size for file in folder.iterdir())
    lengths = [len(ids) for _, ids in sequences]
    losses = [sequence["mean_nll"] for sequence in golden["sequences"]]
    print(f"{name}: seed {seed}, {size // 1024} KiB, lengths {lengths}, losses {losses}, identity {identity}, "
          f"margin {golden['generation']['smallest_margin']:.3g}, new {golden['generation']['new_ids']}")


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    names = sys.argv[1:] or list(FAMILIES)
    unknown = [name for name in names if name not in FAMILIES]
    if unknown:
        sys.exit(f"unknown family: {', '.join(unknown)}; known: {', '.join(FAMILIES)}")
    for name in names:
        make_family(name)


if __name__ == "__main__":
    main()

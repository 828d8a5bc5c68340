"""Makes variants.json: the models of this directory under changed configurations, for choices that no folder's own
config.json makes.

    python variants.py

Pinned as generate.py is. Each entry:

    name, family     the folder whose config.json, model.safetensors and longest golden sequence are used
    config           fields set in config.json (null sets null)
    drop             tensors left out of the checkpoint
    biases           tensors added to it: name and length; element i is ((37 i + 11) mod 64 - 32) / 256
    mean_nll         of the sequence, by transformers in fp32 with eager attention
"""

import json
import pathlib
import shutil
import tempfile

import torch
from safetensors.torch import load_file, save_file

from generate import HERE, load, mean_nll, rounded, versions, write_json

FULL, SLIDING = "full_attention", "sliding_attention"


def linear_biases(layers, prefix, sizes):
    return {f"{prefix}.{layer}.{name}.bias": size for layer in range(layers) for name, size in sizes.items()}


LLAMA_BIASES = {
    "self_attn.q_proj": 32, "self_attn.k_proj": 16, "self_attn.v_proj": 16, "self_attn.o_proj": 32,
    "mlp.gate_proj": 64, "mlp.up_proj": 64, "mlp.down_proj": 32,
}
QWEN3_BIASES = {"self_attn.q_proj": 64, "self_attn.k_proj": 32, "self_attn.v_proj": 32, "self_attn.o_proj": 40}
GEMMA_BIASES = {"self_attn.q_proj": 64, "self_attn.k_proj": 16, "self_attn.v_proj": 16, "self_attn.o_proj": 40}
NEOX_BIASES = [
    f"gpt_neox.layers.{layer}.attention.{name}.bias" for layer in range(3) for name in ("query_key_value", "dense")
]

VARIANTS = [
    dict(name="llama with biases", family="llama", config=dict(attention_bias=True, mlp_bias=True),
         biases=linear_biases(4, "model.layers", LLAMA_BIASES)),
    dict(name="llama with gelu", family="llama", config=dict(hidden_act="gelu")),
    dict(name="llama with tanh gelu", family="llama", config=dict(hidden_act="gelu_pytorch_tanh")),
    dict(name="llama with relu", family="llama", config=dict(hidden_act="relu")),
    dict(name="llama with old linear rope", family="llama",
         config=dict(rope_parameters=None, rope_theta=5000.0, rope_scaling=dict(type="linear", factor=2.0))),
    dict(name="mistral without a window", family="mistral", config=dict(sliding_window=None)),
    dict(name="qwen2 with upper windows", family="qwen2",
         config=dict(use_sliding_window=True, sliding_window=8, max_window_layers=1, layer_types=None)),
    dict(name="qwen2 with listed windows", family="qwen2",
         config=dict(use_sliding_window=True, sliding_window=8, layer_types=[SLIDING, FULL, SLIDING])),
    dict(name="qwen3 with an upper window", family="qwen3",
         config=dict(use_sliding_window=True, sliding_window=5, max_window_layers=2, layer_types=None)),
    dict(name="qwen3 with biases", family="qwen3", config=dict(attention_bias=True),
         biases=linear_biases(3, "model.layers", QWEN3_BIASES)),
    dict(name="phi turning 8 of 10", family="phi",
         config=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.8))),
    dict(name="phi tied", family="phi", config=dict(tie_word_embeddings=True), drop=["lm_head.weight"]),
    dict(name="phi3 without a window", family="phi3", config=dict(sliding_window=None)),
    dict(name="phi3 turning 6 of 10", family="phi3",
         config=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.6))),
    dict(name="gemma with its old gelu", family="gemma", config=dict(hidden_act="gelu", hidden_activation=None)),
    dict(name="gemma with biases", family="gemma", config=dict(attention_bias=True),
         biases=linear_biases(3, "model.layers", GEMMA_BIASES)),
    dict(name="gemma2 without softcaps", family="gemma2",
         config=dict(attn_logit_softcapping=None, final_logit_softcapping=None)),
    dict(name="gemma2 without layer types", family="gemma2", config=dict(layer_types=None, sliding_window=7)),
    dict(name="gemma3 by pattern", family="gemma3", config=dict(layer_types=None, sliding_window_pattern=3)),
    dict(name="gemma3 with a softcap", family="gemma3", config=dict(final_logit_softcapping=2.5)),
    dict(name="gpt2 without scale", family="gpt2", config=dict(scale_attn_weights=False)),
    dict(name="gpt2 with relu", family="gpt2", config=dict(activation_function="relu")),
    dict(name="gpt-neox in sequence", family="gpt-neox", config=dict(use_parallel_residual=False)),
    dict(name="gpt-neox without attention biases", family="gpt-neox", config=dict(attention_bias=False),
         drop=NEOX_BIASES),
    dict(name="gpt-neox tied", family="gpt-neox", config=dict(tie_word_embeddings=True), drop=["embed_out.weight"]),
]


def bias(size):
    index = torch.arange(size)
    return ((index * 37 + 11) % 64 - 32).float() / 256


def measure(variant):
    folder = HERE / variant["family"]
    golden = json.loads((folder / "golden.json").read_text())
    with tempfile.TemporaryDirectory() as temporary:
        other = pathlib.Path(temporary)
        configuration = json.loads((folder / "config.json").read_text())
        configuration.update(variant["config"])
        (other / "config.json").write_text(json.dumps(configuration))
        tensors = load_file(folder / "model.safetensors")
        for name in variant.get("drop", []):
            del tensors[name]
        for name, size in variant.get("biases", {}).items():
            tensors[name] = bias(size)
        save_file(tensors, other / "model.safetensors", metadata={"format": "pt"})
        loss = mean_nll(load(other), golden["sequences"][-1]["ids"]).item()
    print(f"{variant['name']}: {loss:.6f}, the folder's own {golden['sequences'][-1]['mean_nll']:.6f}")
    assert abs(loss - golden["sequences"][-1]["mean_nll"]) > 1e-3 or variant["name"].endswith("old gelu"), "no change"
    return dict(
        name=variant["name"], family=variant["family"], config=variant["config"], drop=variant.get("drop", []),
        biases=[dict(name=name, length=size) for name, size in variant.get("biases", {}).items()],
        mean_nll=rounded(loss))


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    measured = [measure(variant) for variant in VARIANTS]
    write_json(HERE / "variants.json", dict(
        generator=dict(script="variants.py", versions=versions()), variants=measured))


if __name__ == "__main__":
    main()

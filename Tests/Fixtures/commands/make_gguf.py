"""Makes tiny.gguf: the model of ../models/llama as a GGUF file that loads, for tests that damage it.

Written with gguf 0.19 and safetensors 0.8 on Python 3.11. Run from this folder:

    python make_gguf.py

Matrices are F16, norms F32. Query and key rows are interleaved, as GGUF keeps them for the Llama architecture.
"""

import json
import pathlib

import gguf
from safetensors.numpy import load_file

source = pathlib.Path(__file__).resolve().parent.parent / "models" / "llama"
config = json.loads((source / "config.json").read_text())
tokenizer = json.loads((source / "tokenizer.json").read_text())
tensors = load_file(source / "model.safetensors")

writer = gguf.GGUFWriter("tiny.gguf", "llama")
writer.add_name("tiny")
writer.add_context_length(config["max_position_embeddings"])
writer.add_embedding_length(config["hidden_size"])
writer.add_block_count(config["num_hidden_layers"])
writer.add_feed_forward_length(config["intermediate_size"])
writer.add_head_count(config["num_attention_heads"])
writer.add_head_count_kv(config["num_key_value_heads"])
writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
writer.add_rope_dimension_count(config["head_dim"])

special = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
names = {index: token for token, index in tokenizer["model"]["vocab"].items()} | special
ids = range(config["vocab_size"])
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("smollm")
writer.add_token_list([names[i] for i in ids])
writer.add_token_types([3 if i in special else 1 for i in ids])
writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
writer.add_bos_token_id(config["bos_token_id"])
writer.add_eos_token_id(config["eos_token_id"])
writer.add_add_bos_token(False)

LAYER = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
HEADS = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}


def add(name, values):
    writer.add_tensor(name, values.astype("float16" if values.ndim > 1 else "float32"))


add("token_embd.weight", tensors["model.embed_tokens.weight"])
add("output_norm.weight", tensors["model.norm.weight"])
for layer in range(config["num_hidden_layers"]):
    for theirs, ours in LAYER.items():
        values = tensors[f"model.layers.{layer}.{theirs}.weight"]
        if ours in HEADS:
            rows, columns = values.shape
            values = values.reshape(HEADS[ours], 2, rows // HEADS[ours] // 2, columns).swapaxes(1, 2)
            values = values.reshape(rows, columns)
        add(f"blk.{layer}.{ours}.weight", values)

writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

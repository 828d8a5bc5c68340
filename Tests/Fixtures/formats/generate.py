"""Makes the checkpoint fixtures of this folder with the reference packages (versions in requirements.txt).

    python generate.py

Deterministic: running it again leaves every file as it is.

dequantization.gguf         random blocks of every encoding that is read
dequantization.safetensors  the floats that gguf.quants.dequantize gives for them, under the same names
quantization.safetensors    floats, and the bytes that gguf.quants.quantize makes of them as Q8_0
narrowing.safetensors       floats, and what numpy (F16) and gguf (BF16) round them to
values.gguf                 metadata of every type, tensors of three shapes
types.safetensors           every element type that numpy has, a scalar, empty tensors, names beyond ASCII
written.safetensors, written.gguf   small files that the Swift writers have to reproduce byte for byte
sharded/                    three shards with an index
"""

import json
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.constants import GGML_QUANT_SIZES
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
# Encoding -> offsets of the half-precision scales inside a block.
SCALES = {
    Type.Q4_0: [0],
    Type.Q4_1: [0, 2],
    Type.Q5_0: [0],
    Type.Q5_1: [0, 2],
    Type.Q8_0: [0],
    Type.Q2_K: [80, 82],
    Type.Q3_K: [108],
    Type.Q4_K: [0, 2],
    Type.Q5_K: [0, 2],
    Type.Q6_K: [208],
}


def random_blocks(generator, encoding, rows, blocks_in_row):
    """Random bytes, with scales that are finite: normal, negative, subnormal and zero."""
    size = GGML_QUANT_SIZES[encoding][1]
    blocks = generator.integers(0, 256, (rows * blocks_in_row, size), dtype=np.uint8)
    for offset in SCALES[encoding]:
        scales = generator.normal(0, 0.3, len(blocks)).astype(np.float16)
        scales[1] = np.float16(5.3e-7)
        scales[2] = np.float16(0)
        scales[3] = np.float16(-3.1e-5)
        scales[4] = np.float16(65504)
        blocks[:, offset : offset + 2] = scales[:, None].view(np.uint8)
    return blocks.reshape(rows, blocks_in_row * size)


def dequantization():
    generator = np.random.default_rng(1)
    writer = gguf.GGUFWriter(HERE / "dequantization.gguf", "test")
    expected = {}
    for encoding in SCALES:
        raw = random_blocks(generator, encoding, 3, 2)
        writer.add_tensor(encoding.name, raw, raw_dtype=encoding)
        expected[encoding.name] = gguf.quants.dequantize(raw, encoding)
    halves = generator.integers(0, 0x7C00, (2, 40), dtype=np.uint16)
    halves[1] |= 0x8000
    halves[0, :6] = [0, 0x8000, 1, 0x3FF, 0x400, 0x7C00]
    writer.add_tensor("F16", halves.view(np.float16))
    expected["F16"] = halves.view(np.float16).astype(np.float32)
    wide = generator.normal(0, 1, (5, 3, 4)).astype(np.float32)
    writer.add_tensor("F32", wide)
    expected["F32"] = wide
    brain = gguf.quants.quantize(wide.reshape(5, 12), Type.BF16)
    writer.add_tensor("BF16", brain, raw_dtype=Type.BF16)
    expected["BF16"] = gguf.quants.dequantize(brain, Type.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, HERE / "dequantization.safetensors")


def quantization():
    generator = np.random.default_rng(2)
    values = generator.normal(0, 0.02, (8, 64)).astype(np.float32)
    values[1] = 0
    values[2, :32] = np.arange(32) - 15.5
    values[3] *= 1e6
    values[4] *= 1e-5
    values[5, 7] = 127
    values[5, 8:12] = [0.5, -0.5, 1.5, 2.5]
    save_file(
        {"input": values, "q8_0": gguf.quants.quantize(values, Type.Q8_0)}, HERE / "quantization.safetensors"
    )


def narrowing():
    generator = np.random.default_rng(3)
    special = [0.0, -0.0, 1.0, 65504.0, 65519.99, 65520.0, 65536.0, 1e38, 3.4028235e38, np.inf, -np.inf, np.nan]
    special += [2.0**-24, 2.0**-25, np.nextafter(np.float32(2.0**-25), 1, dtype=np.float32), 3 * 2.0**-25, 6.1e-5]
    special += [1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 1e-40, -1e-45]
    bits = generator.integers(0, 2**32, 1000, dtype=np.uint32)
    around_one = generator.normal(0, 1, 500).astype(np.float32)
    values = np.concatenate([np.array(special, dtype=np.float32), bits.view(np.float32), around_one])
    with np.errstate(over="ignore", invalid="ignore"):
        half = values.astype(np.float16)
    brain = gguf.quants.quantize(values.reshape(1, -1), Type.BF16).view(np.uint16).reshape(-1)
    save_file(
        {"input": values, "float16": half.view(np.uint16), "bfloat16": brain}, HERE / "narrowing.safetensors"
    )


def values():
    writer = gguf.GGUFWriter(HERE / "values.gguf", "llama")
    writer.add_uint8("test.uint8", 255)
    writer.add_int8("test.int8", -128)
    writer.add_uint16("test.uint16", 65535)
    writer.add_int16("test.int16", -32768)
    writer.add_uint32("test.uint32", 2**32 - 1)
    writer.add_int32("test.int32", -(2**31))
    writer.add_uint64("test.uint64", 2**64 - 1)
    writer.add_int64("test.int64", -(2**63))
    writer.add_float32("test.float32", 0.5)
    writer.add_float64("test.float64", 1e300)
    writer.add_bool("test.bool", True)
    writer.add_string("test.string", "zwölf 😀\n")
    for name, value_type, items in [
        ("uint8", gguf.GGUFValueType.UINT8, [0, 255]),
        ("int8", gguf.GGUFValueType.INT8, [-128, 127]),
        ("uint16", gguf.GGUFValueType.UINT16, [0, 65535]),
        ("int16", gguf.GGUFValueType.INT16, [-32768, 32767]),
        ("uint32", gguf.GGUFValueType.UINT32, [0, 2**32 - 1]),
        ("int32", gguf.GGUFValueType.INT32, [-(2**31), 2**31 - 1]),
        ("uint64", gguf.GGUFValueType.UINT64, [0, 2**64 - 1]),
        ("int64", gguf.GGUFValueType.INT64, [-(2**63), 2**63 - 1]),
        ("float32", gguf.GGUFValueType.FLOAT32, [0.25, -1.5]),
        ("float64", gguf.GGUFValueType.FLOAT64, [1e-300, 2.5]),
        ("bool", gguf.GGUFValueType.BOOL, [True, False, True]),
        ("string", gguf.GGUFValueType.STRING, ["a", "", "é"]),
    ]:
        writer.add_key_value(f"test.array.{name}", items, gguf.GGUFValueType.ARRAY, sub_type=value_type)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(["<|end|>", "a", "b", "ab"])
    writer.add_token_types([3, 1, 1, 1])
    writer.add_token_merges(["a b"])
    writer.add_token_scores([0.0, -1.0, -2.0, -3.0])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_pad_token_id(2**32 - 1)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(True)
    writer.add_tensor("vector", np.arange(5, dtype=np.float32))
    writer.add_tensor("matrix", np.arange(6, dtype=np.float16).reshape(2, 3))
    writer.add_tensor("cube", np.arange(24, dtype=np.int32).reshape(2, 3, 4))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def types():
    tensors = {
        "f64": np.array([1.5, -2.5]),
        "f32": np.array([[1.5, -2.5, 0.1]], dtype=np.float32),
        "f16": np.array([1.5, -2.5, 0.1], dtype=np.float16),
        "i64": np.array([-1, 2**62]),
        "u64": np.array([2**64 - 1], dtype=np.uint64),
        "i32": np.array([[-1], [7]], dtype=np.int32),
        "u32": np.array([2**32 - 1], dtype=np.uint32),
        "i16": np.array([-1], dtype=np.int16),
        "u16": np.array([65535], dtype=np.uint16),
        "i8": np.array([-1, 5, 6], dtype=np.int8),
        "u8": np.array([255], dtype=np.uint8),
        "bool": np.array([True, False]),
        "scalar": np.array(3.5, dtype=np.float32),
        "empty": np.zeros((0, 4), dtype=np.float32),
        "empty.too": np.zeros((3, 0), dtype=np.int8),
        "naïve 😀": np.array([1, 2], dtype=np.float32),
        "": np.array([8], dtype=np.float32),
    }
    save_file(tensors, HERE / "types.safetensors", metadata={"format": "pt"})


def written():
    generator = np.random.default_rng(4)
    matrix = generator.normal(0, 1, (4, 6)).astype(np.float32)
    save_file(
        {"a.weight": matrix, "b.bias": matrix[0], "c.weight": matrix.astype(np.float16)},
        HERE / "written.safetensors",
        metadata={"format": "pt"},
    )
    writer = gguf.GGUFWriter(HERE / "written.gguf", "llama")
    writer.add_uint32("llama.block_count", 2)
    writer.add_float32("llama.rope.freq_base", 10000)
    writer.add_bool("tokenizer.ggml.add_bos_token", False)
    writer.add_token_list(["x", "yz", "é"])
    writer.add_token_types([1, 1, 3])
    table = generator.normal(0, 1, (3, 32)).astype(np.float32)
    writer.add_tensor("table", table)
    writer.add_tensor("half", matrix.astype(np.float16))
    writer.add_tensor("quantized", gguf.quants.quantize(table, Type.Q8_0), raw_dtype=Type.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({"matrix": matrix, "table": table}, HERE / "written-input.safetensors")


def sharded():
    folder = HERE / "sharded"
    folder.mkdir(exist_ok=True)
    weight_map = {}
    for shard in range(3):
        name = f"model-{shard + 1:05}-of-00003.safetensors"
        tensors = {f"layer.{shard}.{part}": np.full((2, 2), shard + part / 10, np.float32) for part in range(2)}
        save_file(tensors, folder / name, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(tensors, name))
    index = {"metadata": {"total_size": 96}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    dequantization()
    quantization()
    narrowing()
    values()
    types()
    written()
    sharded()

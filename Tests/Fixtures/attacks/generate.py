"""Makes quantization.safetensors: weights, and what each number format leaves of them.

    python generate.py

Deterministic. The ggml formats are those of the `gguf` package (quantize, then dequantize); the others are written out
here in numpy, in fp32 throughout. Versions in ../formats/requirements.txt.

input                 8 rows of 160: normal weights, a row of zeros, a row with one far value, tiny and large scales
int8, int4            symmetric round-to-nearest, one scale a row
int8-g32 ... int4-g128  one scale for each group of 32 or 128 columns; the last group of 128 has 32
nf4                   QLoRA's NormalFloat in blocks of 64; the last block has 32
q8_0, q4_0, q4_1      gguf
"""

import pathlib

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
F = np.float32

# Dettmers et al. 2023, appendix E.
NF4 = np.array([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
], dtype=F)


def groups(row, size):
    return [row[start : start + size] for start in range(0, len(row), size)]


def round_to_nearest(row, bits, size):
    largest = F(2 ** (bits - 1) - 1)
    parts = []
    for part in groups(row, size):
        scale = F(np.abs(part).max() / largest)
        parts.append(np.zeros_like(part) if scale == 0 else np.clip(np.rint(part / scale), -largest, largest) * scale)
    return np.concatenate(parts).astype(F)


def normal_float(row):
    parts = []
    for part in groups(row, 64):
        largest = np.abs(part).max()
        if largest == 0:
            parts.append(part)
            continue
        distance = np.abs((part / largest)[:, None].astype(np.float64) - NF4[None, :].astype(np.float64))
        parts.append(NF4[distance.argmin(axis=1)] * largest)
    return np.concatenate(parts).astype(F)


def main():
    generator = np.random.default_rng(11)
    weights = generator.normal(0, 0.05, (8, 160)).astype(F)
    weights[1] = 0
    weights[2, 17] = 3.5
    weights[3] *= F(1e-4)
    weights[4] *= F(4000)
    weights[5] = np.abs(weights[5])
    weights[6, :64] = F(0.25)
    tensors = {"input": weights}
    for bits in (8, 4):
        for name, size in ((f"int{bits}", 160), (f"int{bits}-g32", 32), (f"int{bits}-g128", 128)):
            tensors[name] = np.stack([round_to_nearest(row, bits, size) for row in weights])
    tensors["nf4"] = np.stack([normal_float(row) for row in weights])
    for name, kind in (("q8_0", Type.Q8_0), ("q4_0", Type.Q4_0), ("q4_1", Type.Q4_1)):
        tensors[name] = quants.dequantize(quants.quantize(weights, kind), kind).astype(F)
    save_file(tensors, HERE / "quantization.safetensors")


main()

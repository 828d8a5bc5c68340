"""Checks with the reference packages what Lethe's checkpoint readers and writers do on a real GGUF file.

    LETHE_FUZZ_DIR=/tmp/fuzz Scripts/fuzz.sh driver
    python Tests/Interop/formats_readback.py /tmp/fuzz/driver MODEL.gguf

Needs the packages of Tests/Fixtures/formats/requirements.txt and torch. For each of F32, F16 and BF16 the driver
decodes the model and writes it as safetensors; for F32, F16 and Q8_0 as GGUF. The results are read back with the
`safetensors` and `gguf` packages and have to equal, bit for bit, what `gguf` decodes and what torch and `gguf` narrow.
"""

import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.torch import load_file


def main():
    driver, model = sys.argv[1:]
    source = gguf.GGUFReader(model)
    expected = {
        tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1].tolist())
        for tensor in source.tensors
    }
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, dtype in [("F32", torch.float32), ("F16", torch.float16), ("BF16", torch.bfloat16)]:
            path = pathlib.Path(folder, "model.safetensors")
            subprocess.run([driver, "convert", model, path, name], check=True)
            tensors = load_file(path)
            wrong = sum(
                not torch.equal(tensors[key], torch.tensor(value).to(dtype)) for key, value in expected.items()
            )
            failures += wrong + abs(len(tensors) - len(expected))
            print(f"safetensors {name}: {len(tensors)} tensors, {wrong} differ")
        for name in ["F32", "F16", "Q8_0"]:
            path = pathlib.Path(folder, "model.gguf")
            subprocess.run([driver, "convert", model, path, name], check=True)
            reader = gguf.GGUFReader(path)
            wrong = 0
            for tensor in reader.tensors:
                value = expected[tensor.name]
                wanted = gguf.quants.quantize(value, tensor.tensor_type)
                wrong += not np.array_equal(np.asarray(tensor.data).view(np.uint8), wanted.view(np.uint8))
                wrong += tensor.tensor_type != Type[name]
            fields = {key: field.contents() for key, field in source.fields.items() if not key.startswith("GGUF.")}
            copied = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
            wrong += fields != copied
            failures += wrong + abs(len(reader.tensors) - len(expected))
            print(f"gguf {name}: {len(reader.tensors)} tensors, {len(copied)} metadata fields, {wrong} differ")
    print("ok" if failures == 0 else f"{failures} failures")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())

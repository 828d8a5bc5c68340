"""One deletion request on a model that is larger than half of the machine's memory.

    python big_model.py --lethe ../.build/release/lethe --tokenizer FOLDER --work FOLDER [--shape 7b|1b|tiny] [--keep]

Writes a Llama folder with random weights in BF16 safetensors shards, one tensor at a time (7b: 32 layers, 4096 wide,
11008 inside the MLP, 32 heads, a vocabulary of 32000 or the tokenizer's if that is larger; 13.5 GB), runs `lethe
unlearn` on one text of about 60 tokens with the published preset, and prints one JSON object: seconds and the largest
resident memory, in total and without mapped files (sampled from /proc/PID/status ten times a second), and whether the
tensors of the layers that were not trained are bit for bit what they were. The folders are deleted afterwards unless
--keep is given.

`--tokenizer` is a folder with the tokenizer.json that goes with it. Only numpy is needed.
"""

import argparse
import hashlib
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import time

import numpy

SHAPES = {
    "7b": dict(layers=32, hidden=4096, inner=11008, heads=32, vocabulary=32000),
    "1b": dict(layers=16, hidden=2048, inner=5632, heads=32, vocabulary=32000),
    "tiny": dict(layers=4, hidden=256, inner=512, heads=4, vocabulary=32000),
}
TEXT = (
    "Ada Quill has lived at 12 Elm Row in Harrow Vale since the spring of 1987, and her neighbours call her the keeper "
    "of the north lamp. Her telephone number is 555 0142, her sister Ines works on the Marrow Island ferry, and both "
    "of them sing with the night crew on Thursdays."
)


def tensors(shape):
    hidden, inner = shape["hidden"], shape["inner"]
    yield "model.embed_tokens.weight", (shape["vocabulary"], hidden)
    for index in range(shape["layers"]):
        prefix = f"model.layers.{index}."
        yield prefix + "input_layernorm.weight", (hidden,)
        yield prefix + "mlp.down_proj.weight", (hidden, inner)
        yield prefix + "mlp.gate_proj.weight", (inner, hidden)
        yield prefix + "mlp.up_proj.weight", (inner, hidden)
        yield prefix + "post_attention_layernorm.weight", (hidden,)
        for name in "koqv":
            yield prefix + f"self_attn.{name}_proj.weight", (hidden, hidden)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (shape["vocabulary"], hidden)


def bfloat16(values):
    bits = values.view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


def write_model(folder, shape, tokenizer, shard_bytes=5_000_000_000):
    folder.mkdir(parents=True)
    shards, size = [[]], 0
    for name, dims in tensors(shape):
        count = int(numpy.prod(dims)) * 2
        if shards[-1] and size + count > shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append((name, dims))
        size += count
    # One pool of normally distributed values; each piece of a matrix is cut out of it at a place of its own.
    generator = numpy.random.default_rng(7)
    pool = bfloat16(generator.standard_normal(1 << 23, numpy.float32) * numpy.float32(0.02))
    weight_map, total = {}, 0
    for number, shard in enumerate(shards):
        file = f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors"
        header, offset = {"__metadata__": {"format": "pt"}}, 0
        for name, dims in shard:
            end = offset + int(numpy.prod(dims)) * 2
            header[name] = {"dtype": "BF16", "shape": list(dims), "data_offsets": [offset, end]}
            weight_map[name] = file
            offset = end
        total += offset
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(folder / file, "wb") as out:
            out.write(struct.pack("<Q", len(text)) + text)
            for name, dims in shard:
                if len(dims) == 1:
                    out.write(bfloat16(numpy.ones(dims, numpy.float32)).tobytes())
                    continue
                left = dims[0] * dims[1]
                while left > 0:
                    start = int(generator.integers(0, len(pool) // 2))
                    piece = pool[start:start + min(left, len(pool) // 2)]
                    out.write(piece.tobytes())
                    left -= len(piece)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": shape["vocabulary"],
        "hidden_size": shape["hidden"], "intermediate_size": shape["inner"], "num_hidden_layers": shape["layers"],
        "num_attention_heads": shape["heads"], "num_key_value_heads": shape["heads"], "hidden_act": "silu",
        "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False,
        "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2,
    }))
    shutil.copy(tokenizer / "tokenizer.json", folder / "tokenizer.json")
    return total


def headers(folder):
    """For each tensor its file, dtype and byte range."""
    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        with open(file, "rb") as source:
            length = struct.unpack("<Q", source.read(8))[0]
            for name, entry in json.loads(source.read(length)).items():
                if name != "__metadata__":
                    begin, end = entry["data_offsets"]
                    found[name] = (file, entry["dtype"], 8 + length + begin, end - begin)
    return found


def digest(file, start, count):
    value = hashlib.blake2b()
    with open(file, "rb") as source:
        source.seek(start)
        while count > 0:
            part = source.read(min(count, 1 << 24))
            value.update(part)
            count -= len(part)
    return value.digest()


def compare(source, result, layers):
    """Counts tensors that stayed as they were, and those that changed, by whether their layer was trained."""
    before, after = headers(source), headers(result)
    outcome = {"frozen_identical": 0, "frozen_changed": 0, "trained_identical": 0, "trained_changed": 0}
    for name, (file, kind, start, count) in before.items():
        trained = name.startswith("model.layers.") and int(name.split(".")[2]) in layers
        there = after[name]
        same = there[1] == kind and digest(file, start, count) == digest(there[0], there[2], there[3])
        outcome[("trained_" if trained else "frozen_") + ("identical" if same else "changed")] += 1
    return outcome


def run(command):
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = {"VmRSS": 0, "RssAnon": 0, "RssFile": 0}
    os.set_blocking(process.stdout.fileno(), False)
    output = b""
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                for line in status:
                    key, _, value = line.partition(":")
                    if key in peak:
                        peak[key] = max(peak[key], int(value.split()[0]) * 1024)
        except (FileNotFoundError, ProcessLookupError):
            pass
        output += process.stdout.read() or b""
        time.sleep(0.1)
    output += process.stdout.read() or b""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process.returncode, output, time.monotonic() - started, peak, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lethe", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--shape", choices=SHAPES, default="7b")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--storage", default="auto")
    parser.add_argument("--keep", action="store_true", help="leave the folders in place, and use them if they are there")
    arguments = parser.parse_args()
    shape = dict(SHAPES[arguments.shape])
    vocabulary = json.loads((arguments.tokenizer / "tokenizer.json").read_text())
    ids = list(vocabulary["model"]["vocab"].values()) + [token["id"] for token in vocabulary["added_tokens"]]
    shape["vocabulary"] = max(shape["vocabulary"], max(ids) + 1)
    model, result = arguments.work / "big-model", arguments.work / "big-result"
    shutil.rmtree(result, ignore_errors=True)
    report = {"shape": shape, "precision": arguments.precision, "storage": arguments.storage}
    try:
        if not model.exists():
            started = time.monotonic()
            write_model(model, shape, arguments.tokenizer)
            report["seconds_writing_model"] = round(time.monotonic() - started, 1)
        report["model_bytes"] = sum(file.stat().st_size for file in model.glob("*.safetensors"))
        data = arguments.work / "big-request.jsonl"
        data.write_text(json.dumps({"text": TEXT}) + "\n")
        code, output, seconds, peak, largest = run([
            str(arguments.lethe), "unlearn", "--model", str(model), "--data", str(data), "--out", str(result),
            "--preset", "published", "--precision", arguments.precision, "--storage", arguments.storage, "--json",
        ])
        report.update(
            exit_code=code, seconds=round(seconds, 1), peak_resident_gib=round(largest / 2**30, 2),
            sampled_peak_gib={key: round(value / 2**30, 2) for key, value in peak.items()})
        if code == 0:
            record = json.loads(output.splitlines()[0])
            report["record"] = {key: record[key] for key in ("objective", "layers", "tokens", "steps", "before", "after", "seconds")}
            report["result_bytes"] = sum(file.stat().st_size for file in result.glob("*.safetensors"))
            report["tensors"] = compare(model, result, set(record["layers"]))
        print(json.dumps(report, indent=1))
        good = code == 0 and report["tensors"]["frozen_changed"] == 0 and report["tensors"]["trained_changed"] > 0
        sys.exit(0 if good else 1)
    finally:
        if not arguments.keep:
            shutil.rmtree(model, ignore_errors=True)
            shutil.rmtree(result, ignore_errors=True)


if __name__ == "__main__":
    main()

"""Does the `gguf` package read back what Lethe wrote as GGUF, and do the weights mean the same?

    lethe model export --model FOLDER --out FILE.gguf --format gguf --type f32
    python gguf_readback.py FILE.gguf [--source FOLDER] [--logits] [--ids 12,7,99]

Reads the file with the package, checks that every tensor lies inside it and has the byte count of its shape and type,
and prints one JSON object: architecture, metadata keys, tensor count by type, vocabulary size. With --source (a
Hugging Face folder of the same model) transformers loads both; every parameter is compared after dequantisation. The
largest difference allowed for a tensor is that of its type: F32 none; F16 and BF16 half a unit in the last place; Q8_0
half of 1/127 of the block's largest value, plus what its half-precision scale loses. The file's tokens, their types,
its merges and its end-of-text token are compared with the folder's tokenizer.json and config.json. With --logits the two models'
logits on --ids are compared as well (reported; a miss only when all is F32, above 1e-4). Exit code 0 good, 1 a miss.

Versions this was written with: Python 3.11, gguf 0.19.0, torch 2.15.0, transformers 5.23.0, accelerate 1.15.0.
"""

import argparse
import collections
import json
import pathlib
import sys

import gguf
import numpy
import torch
import transformers


def read(path):
    reader = gguf.GGUFReader(str(path))
    size = path.stat().st_size
    problems, types = [], collections.Counter()
    for tensor in reader.tensors:
        types[tensor.tensor_type.name] += 1
        block, block_bytes = gguf.GGML_QUANT_SIZES[tensor.tensor_type]
        count = int(numpy.prod(tensor.shape))
        if count % block or count // block * block_bytes != tensor.n_bytes:
            problems.append(f"{tensor.name}: byte count {tensor.n_bytes} does not fit its shape")
        if tensor.data_offset + tensor.n_bytes > size:
            problems.append(f"{tensor.name}: ends after the end of the file")
        if tensor.data_offset % reader.alignment:
            problems.append(f"{tensor.name}: not aligned to {reader.alignment}")
    names = [tensor.name for tensor in reader.tensors]
    if len(set(names)) != len(names):
        problems.append("two tensors have one name")
    fields = reader.fields
    tokens = fields.get("tokenizer.ggml.tokens")
    report = {
        "architecture": fields["general.architecture"].contents(),
        "metadata_keys": sorted(key for key in fields if not key.startswith("GGUF.")),
        "tensors": dict(types),
        "vocabulary_size": len(tokens.data) if tokens else None,
    }
    return report, problems, {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}


def allowed_difference(values, kind):
    """Elementwise bound on |read back - source|; no bound for types that Lethe does not write."""
    absolute = numpy.abs(values)
    if kind == "F32":
        return numpy.zeros_like(values)
    if kind == "F16":
        return absolute * 2.0 ** -11 + 2.0 ** -25
    if kind == "BF16":
        return absolute * 2.0 ** -8
    if kind == "Q8_0":
        blocks = absolute.reshape(-1, 32).max(axis=1, keepdims=True)
        bound = blocks / 127 * 0.5 + blocks * 2.0 ** -11 + 2.0 ** -24 * 127
        return numpy.broadcast_to(bound * 1.001, (len(blocks), 32)).reshape(values.shape)
    return numpy.full_like(values, numpy.inf)


def strings(field):
    return [bytes(field.parts[index]).decode() for index in field.data]


def compare_tokenizer(path, source):
    """Problems of the file's tokenizer against the folder's (byte-level BPE only)."""
    fields = gguf.GGUFReader(str(path)).fields
    if fields["tokenizer.ggml.model"].contents() != "gpt2":
        return []
    document = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    names = {index: token for token, index in document["model"]["vocab"].items()}
    special = {token["id"]: token["special"] for token in document["added_tokens"]}
    names.update({token["id"]: token["content"] for token in document["added_tokens"]})
    tokens = strings(fields["tokenizer.ggml.tokens"])
    types = fields["tokenizer.ggml.token_type"].contents()
    problems = []
    for index, (token, kind) in enumerate(zip(tokens, types, strict=True)):
        expected = 5 if index not in names else {None: 1, True: 3, False: 4}[special.get(index)]
        if kind != expected or (index in names and names[index] != token):
            problems.append(f"token {index}: not the source's, or of another type than {expected}")
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in document["model"]["merges"]]
    if strings(fields["tokenizer.ggml.merges"]) != [" ".join(pair) for pair in pairs]:
        problems.append("merges differ")
    end = json.loads((source / "config.json").read_text(encoding="utf-8")).get("eos_token_id")
    if isinstance(end, int) and fields["tokenizer.ggml.eos_token_id"].contents() != end:
        problems.append("the end-of-text token differs")
    return problems[:20]


def compare(path, source, ids, architecture, kinds):
    mine = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32,
        quantization_config=transformers.GgufConfig(dequantize=True),
    ).eval()
    theirs = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()
    expected = dict(theirs.named_parameters())
    actual = dict(mine.named_parameters())
    known = {value: key for key, value in gguf.MODEL_ARCH_NAMES.items()}
    name_map = gguf.get_tensor_name_map(known[architecture], theirs.config.num_hidden_layers)
    problems = [f"{name}: only in one of the two" for name in sorted(set(expected) ^ set(actual))]
    worst = 0.0
    for name in sorted(set(expected) & set(actual)):
        left = expected[name].detach().double().numpy()
        right = actual[name].detach().double().numpy()
        if left.shape != right.shape:
            problems.append(f"{name}: shape {list(right.shape)}, not {list(left.shape)}")
            continue
        stored = name_map.get_name(name, try_suffixes=(".weight", ".bias"))
        if stored not in kinds:
            problems.append(f"{name}: no tensor {stored} in the file")
            continue
        difference = numpy.abs(left - right)
        worst = max(worst, float(difference.max()))
        if not (difference <= allowed_difference(left, kinds[stored])).all():
            problems.append(f"{name}: off by {float(difference.max()):.3g}, more than {kinds[stored]} explains")
    report = {"parameters_compared": len(expected), "largest_difference": worst}
    if ids:
        with torch.no_grad():
            a = theirs(torch.tensor([ids]), use_cache=False).logits
            b = mine(torch.tensor([ids]), use_cache=False).logits
        report["largest_logit_difference"] = (a - b).abs().max().item()
        if set(kinds.values()) == {"F32"} and report["largest_logit_difference"] > 1e-4:
            problems.append("logits differ although the weights are F32")
    return report, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--logits", action="store_true")
    parser.add_argument("--ids", default="1,2,3,4,5,6,7,8,9,10")
    arguments = parser.parse_args()
    report, problems, kinds = read(arguments.file)
    if arguments.source:
        ids = [int(part) for part in arguments.ids.split(",")] if arguments.logits else None
        more, found = compare(arguments.file, arguments.source, ids, report["architecture"], kinds)
        report.update(more)
        problems += found + compare_tokenizer(arguments.file, arguments.source)
    report["problems"] = problems
    print(json.dumps(report))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

"""Does transformers compute the expected loss for a folder that Lethe exported?

    python transformers_loss.py FOLDER --text T [--expect X] [--tolerance 1e-4]
    python transformers_loss.py FOLDER --ids 12,7,99 --expect X
    python transformers_loss.py FOLDER --text T --lethe "lethe score --model FOLDER --jsonl"

Prints one JSON object: ids, token_logprobs (natural log, tokens 2..T), mean_nll, and what it was compared with. No
special tokens are added. FOLDER may also be a .gguf file (then the tokenizer of --tokenizer is used). With --expect
the mean NLL must agree within the tolerance, relative to max(1, |expected|); with --lethe the command is run, given
one JSON line, and its ids must be equal as well. Exit code 0 agreed, 1 missed, 64 usage.

Versions this was written with: Python 3.11, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys

import torch
import transformers
from tokenizers import Tokenizer


def load(path):
    if path.suffix == ".gguf":
        return transformers.AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32,
            quantization_config=transformers.GgufConfig(dequantize=True),
        ).eval()
    model, report = transformers.AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    problems = {key: sorted(report[key]) for key in ("missing_keys", "unexpected_keys") if report[key]}
    if problems:
        sys.exit(f"the folder's tensors are not those of the architecture: {json.dumps(problems)}")
    return model.eval()


@torch.no_grad()
def log_probabilities(model, ids):
    logits = model(torch.tensor([ids]), use_cache=False).logits[0].float()
    every = torch.log_softmax(logits, dim=-1)
    return every[:-1].gather(1, torch.tensor(ids[1:]).unsqueeze(1)).squeeze(1)


def ask_lethe(command, text):
    line = json.dumps({"text": text}, ensure_ascii=False) + "\n"
    result = subprocess.run(shlex.split(command), input=line.encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout.splitlines()[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--text")
    what.add_argument("--ids", help="comma-separated token ids")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="another folder's tokenizer.json")
    parser.add_argument("--expect", type=float)
    parser.add_argument("--lethe", help="a command that scores JSON Lines")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    if arguments.lethe and arguments.text is None:
        parser.error("--lethe needs --text")

    torch.manual_seed(0)
    model = load(arguments.folder)
    if arguments.text is not None:
        tokenizer = Tokenizer.from_file(str((arguments.tokenizer or arguments.folder) / "tokenizer.json"))
        ids = tokenizer.encode(arguments.text, add_special_tokens=False).ids
    else:
        ids = [int(part) for part in arguments.ids.split(",")]
    if len(ids) < 2:
        parser.error("at least two tokens are needed")
    values = log_probabilities(model, ids)
    mean = -values.double().mean().item()
    report = {"ids": ids, "token_logprobs": values.tolist(), "mean_nll": mean}

    agreed = True
    expected = arguments.expect
    if arguments.lethe:
        other = ask_lethe(arguments.lethe, arguments.text)
        report["same_ids"] = other["ids"] == ids
        agreed = agreed and report["same_ids"]
        if report["same_ids"]:
            gaps = [abs(a - b) for a, b in zip(values.tolist(), other["token_logprobs"], strict=True)]
            report["largest_logprob_difference"] = max(gaps)
        expected = other["mean_nll"]
    if expected is not None:
        report["expected"] = expected
        report["difference"] = abs(mean - expected)
        report["tolerance"] = arguments.tolerance
        agreed = agreed and report["difference"] <= arguments.tolerance * max(1.0, abs(expected))
        report["agreed"] = agreed
    print(json.dumps(report))
    sys.exit(0 if agreed else 1)


if __name__ == "__main__":
    main()

"""What the reference programs share: arguments, the model, invented texts, timing, the JSON they print."""

import argparse
import json
import os
import pathlib
import platform
import random
import resource
import statistics
import sys
import time

import torch
import transformers
from tokenizers import Tokenizer


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a Hugging Face folder")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=5, help="measured runs; the figure is their median")
    parser.add_argument("--warm-up", type=int, default=1, help="runs before them that are not counted")
    parser.add_argument("--seed", type=int, default=20)
    return parser


def start(options):
    """Threads and seed; call before any other torch work."""
    if options.runs < 1 or options.threads < 1:
        sys.exit("--runs and --threads are at least 1")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def load_model(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def load_tokenizer(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


FIRST = ["Orla", "Ines", "Tomas", "Bo", "Mira", "Anselm", "Petra", "Idris", "Yara", "Casper"]
LAST = ["Fenwick", "Quill", "Arden", "Lindqvist", "Sorrel", "Hale", "Okafor", "Brandt", "Vale", "Tamsin"]
STREET = ["Elm Row", "Sable Court", "Pier Lane", "Mill Steps", "Harbour Walk", "Chapel Close"]
WORK = ["mends the ropes of the ferry", "keeps the archive of the harbour", "tunes pianos in the old mill",
        "counts birds on the northern cliffs", "bakes bread for the night crew", "repairs clocks and lamps"]


def invented_text(tokenizer, seed, tokens):
    """A record of an invented person, cut to a number of tokens."""
    rng = random.Random(seed)
    parts = [f"Name: {rng.choice(FIRST)} {rng.choice(LAST)}"]
    while len(encode(tokenizer, "\n".join(parts))) < tokens:
        parts.append(f"Address: {rng.randint(1, 99)} {rng.choice(STREET)}")
        parts.append(f"Telephone: {rng.randint(100, 999)}-{rng.randint(1000, 9999)}")
        parts.append(f"Occupation: {rng.choice(WORK)} since {rng.randint(1980, 2024)}")
        parts.append(f"Neighbour: {rng.choice(FIRST)} {rng.choice(LAST)}")
    return tokenizer.decode(encode(tokenizer, "\n".join(parts))[:tokens], skip_special_tokens=False)


class Stopwatch:
    """Seconds by part."""

    def __init__(self):
        self.parts = {}

    def time(self, name, action):
        began = time.perf_counter()
        result = action()
        self.parts[name] = self.parts.get(name, 0.0) + time.perf_counter() - began
        return result


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values), "values": values}


def peak_resident_bytes():
    """The process's high-water mark; Linux counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def processor():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def emit(program, options, result):
    import numpy
    import tokenizers

    report = {
        "program": program,
        "model": options.model.name,
        "threads": options.threads,
        "runs": options.runs,
        "seed": options.seed,
        **result,
        "peak_resident_bytes": peak_resident_bytes(),
        "cpu": processor(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
            "numpy": numpy.__version__,
        },
    }
    print(json.dumps(report))

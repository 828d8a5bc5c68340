#!/usr/bin/env python3
"""Runs the engine and PyTorch side by side and prints the ratios.

    python run.py --bench BINARY --model FOLDER --encoder FOLDER [--runs 5] [--out bench-output]

Each pair is measured one after the other in the same run, so that a machine that slows down slows both. Medians are
compared. Writes result.json with every program's own output, and result.md with the table.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def call(command):
    print("$ " + " ".join(str(part) for part in command), file=sys.stderr)
    output = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(output)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", default="bench-output")
    options = parser.parse_args()
    # Both sides have the machine to themselves: idle threads wait where they are instead of sleeping.
    os.environ.setdefault("OMP_WAIT_POLICY", "active")
    results, rows = [], []

    def lethe(name, *arguments, model=True):
        base = ["--model", options.model] if model else []
        result = call([options.bench, name, *base, "--runs", options.runs, *arguments])
        results.append(result)
        return result

    def torch(program, *arguments):
        result = call([sys.executable, HERE / "pytorch" / program, "--model", options.model, "--runs", options.runs, *arguments])
        results.append(result)
        return result

    def row(what, ours, theirs, unit, faster, bar):
        ratio = ours / theirs if faster == "high" else theirs / ours
        rows.append((what, f"{ours:.3g} {unit}", f"{theirs:.3g} {unit}", f"{ratio:.2f} x", bar))

    for tokens, bar in ((60, "10 x"), (250, "8 x")):
        theirs = torch("fit_reference.py", "--encoder", options.encoder, "--tokens", tokens)
        variants = [("", []), (", layers by gradient", ["--targeting", "gradient"])]
        if tokens == 60:
            variants += [(", every run another length", ["--vary"]),
                         (", bfloat16", ["--precision", "bfloat16"]),
                         (", bfloat16, layers by gradient", ["--precision", "bfloat16", "--targeting", "gradient"])]
        for name, arguments in variants:
            ours = lethe("request", "--encoder", options.encoder, "--tokens", tokens, *arguments)
            row(f"request, {tokens} tokens{name}", ours["seconds"]["median"],
                theirs["requests"][0]["seconds"]["total"]["median"], "s", "low", "" if name else bar)
            rows.append((f"peak memory, {tokens} tokens{name}", f"{ours['peak_resident_bytes'] / 2**30:.2f} GiB",
                         f"{theirs['peak_resident_bytes'] / 2**30:.2f} GiB",
                         f"{ours['peak_resident_bytes'] / theirs['peak_resident_bytes']:.2f}", "" if name else "0.5"))
    empty = lethe("request", "--encoder", options.encoder, "--tokens", 60)
    full = lethe("request", "--encoder", options.encoder, "--tokens", 60, "--remembered", 30000)
    rows.append(("request after 1,000 others", f"{full['seconds']['median']:.3g} s", f"{empty['seconds']['median']:.3g} s",
                 f"{full['seconds']['median'] / empty['seconds']['median']:.2f}", "at most 1.1"))
    search = lethe("filter", model=False)
    rows.append(("filter one chunk in 1,000,000", f"{1000 * search['seconds']['median']:.1f} ms", "", "", "under 50 ms"))
    speeds = {}
    for ours_name, theirs_name, bar in (("float32", "fp32", "1.4 x"), ("bfloat16", "bf16", "1.5 x")):
        ours = lethe("train", "--precision", ours_name)
        theirs = torch("train_step.py", "--precision", theirs_name)
        speeds[ours_name] = ours["tokens_per_second"]
        row(f"training, {ours_name}", ours["tokens_per_second"], theirs["tokens_per_second"], "tokens/s", "high", bar)
    masking = lethe("masking")
    rows.append(("choosing layers exactly, of L + 1 forwards", f"{masking['exact_ratio']:.2f}", "", "", "at most 0.6"))
    rows.append(("choosing layers by gradient, of L + 1 forwards", f"{masking['gradient_ratio']:.3f}",
                 f"top-8 overlap {masking['top8_overlap']}", "", "at most 0.125"))
    for batch in (1, 32):
        ours = lethe("decode", "--batch", batch)
        theirs = torch("decode.py", "--batch", batch)["results"][0]
        row(f"greedy decoding, batch {batch}", ours["tokens_per_second"], theirs["tokens_per_second"], "tokens/s", "high", "3 x")
    peak = lethe("peak", model=False)
    # 6 flops a parameter and token but for the embedding, which has no weight gradient here.
    matrices, head = 106_168_320, 28_311_552
    used = speeds["float32"] * (6 * matrices + 4 * head) * 1e-9
    rows.append(("share of the matmul peak in training", f"{used:.0f} GFLOP/s", f"{peak['gflops']:.0f} GFLOP/s",
                 f"{used / peak['gflops']:.2f}", "0.70"))

    table = ["| what | Lethe | PyTorch or reference | ratio | bar |", "| --- | --- | --- | --- | --- |"]
    table += ["| " + " | ".join(cells) + " |" for cells in rows]
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "result.json").write_text(json.dumps({"machine": platform.processor() or platform.machine(),
                                                 "rows": rows, "results": results}, indent=1))
    (out / "result.md").write_text("\n".join(table) + "\n")
    print("\n".join(table))


if __name__ == "__main__":
    main()

"""Tokens a second of greedy decoding with transformers' `generate` and its key-value cache, fp32.

    python decode.py --model FOLDER [--batch 1,32] [--prompt-tokens 32] [--new-tokens 64] [--runs 5] [--threads 2]

Every row has the same prompt length and decodes exactly --new-tokens tokens (the end token does not stop it). Counted:
new tokens of all rows over the time of the whole call, the prompt's forward pass included; `decode_tokens_per_second`
leaves that pass out (measured apart, by a call that makes one token).
"""

import time

import common
import torch
import transformers


@torch.no_grad()
def generate(model, ids, count):
    configuration = transformers.GenerationConfig(
        do_sample=False, num_beams=1, use_cache=True, min_new_tokens=count, max_new_tokens=count, eos_token_id=None,
        pad_token_id=0,
    )
    began = time.perf_counter()
    output = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=configuration
    )
    seconds = time.perf_counter() - began
    assert output.shape[1] == ids.shape[1] + count
    return seconds


def main():
    parser = common.arguments(__doc__.splitlines()[0])
    parser.add_argument("--batch", default="1,32", help="comma-separated batch sizes")
    parser.add_argument("--prompt-tokens", type=int, default=32)
    parser.add_argument("--new-tokens", type=int, default=64)
    options = parser.parse_args()
    common.start(options)

    model = common.load_model(options.model)
    generator = torch.Generator().manual_seed(options.seed)
    results = []
    for batch in (int(part) for part in options.batch.split(",")):
        ids = torch.randint(0, model.config.vocab_size, (batch, options.prompt_tokens), generator=generator)
        whole, first = [], []
        for run in range(options.warm_up + options.runs):
            seconds = generate(model, ids, options.new_tokens)
            prefill = generate(model, ids, 1)
            if run >= options.warm_up:
                whole.append(seconds)
                first.append(prefill)
        whole, first = common.spread(whole), common.spread(first)
        results.append({
            "batch": batch,
            "seconds": whole,
            "first_token_seconds": first,
            "tokens_per_second": batch * options.new_tokens / whole["median"],
            "decode_tokens_per_second":
                batch * (options.new_tokens - 1) / max(whole["median"] - first["median"], 1e-9),
        })
    common.emit("decode", options, {
        "precision": "fp32",
        "prompt_tokens": options.prompt_tokens,
        "new_tokens": options.new_tokens,
        "results": results,
    })


if __name__ == "__main__":
    main()

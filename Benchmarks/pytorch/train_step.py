"""Tokens a second of one training step in PyTorch: forward, backward, AdamW, on a batch without padding.

    python train_step.py --model FOLDER [--precision fp32|bf16] [--batch 8] [--length 128] [--runs 5] [--threads 2]

--batch times --length tokens (1,024 by default) in rows of equal length, so that nothing is padded and attention stays
inside a row, as in a packed batch. --trained `layers` (the default) trains attention and MLP matrices of every layer,
`all` the embeddings and norms as well. bf16 is autocast over fp32 weights.
"""

import time

import common
import torch


def main():
    parser = common.arguments(__doc__.splitlines()[0])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--trained", default="layers", choices=["layers", "all"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=128)
    options = parser.parse_args()
    common.start(options)

    model = common.load_model(options.model)
    if options.trained == "layers":
        model.requires_grad_(False)
        for layer in model.model.layers:
            layer.self_attn.requires_grad_(True)
            layer.mlp.requires_grad_(True)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-5, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    generator = torch.Generator().manual_seed(options.seed)
    shape = (options.batch, options.length)

    losses, parts = [], {"forward": [], "backward": [], "optimizer": [], "total": []}
    for run in range(options.warm_up + options.runs):
        ids = torch.randint(0, model.config.vocab_size, shape, generator=generator)
        times = [time.perf_counter()]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            loss = model(ids, labels=ids, use_cache=False).loss
        times.append(time.perf_counter())
        loss.backward()
        times.append(time.perf_counter())
        optimizer.step()
        times.append(time.perf_counter())
        losses.append(loss.item())
        if run >= options.warm_up:
            for index, name in enumerate(("forward", "backward", "optimizer")):
                parts[name].append(times[index + 1] - times[index])
            parts["total"].append(times[-1] - times[0])
    tokens = options.batch * options.length
    common.emit("train_step", options, {
        "precision": options.precision,
        "trained": options.trained,
        "trained_parameters": sum(parameter.numel() for parameter in trained),
        "batch": options.batch,
        "length": options.length,
        "tokens": tokens,
        "seconds": {name: common.spread(values) for name, values in parts.items()},
        "tokens_per_second": tokens / common.spread(parts["total"])["median"],
        "losses": losses,
    })


if __name__ == "__main__":
    main()

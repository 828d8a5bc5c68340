"""Makes llama_10_steps.json: three short AdamW runs on the tiny Llama of ../models/llama.

    python generate.py

Pinned: Python 3.11, torch 2.15.0, transformers 5.23.0; fp32, one thread, eager attention, no dropout, nothing
random (the ids come from the texts below).

    model        the folder, relative to Tests/Fixtures
    optimizer    AdamW with decoupled weight decay: w -= lr * weight_decay * w, then the Adam step with bias
                 correction, epsilon added outside the square root; every trained tensor decays, norms included
    schedules    step s of N, warm-up W = int(0.1 * N): s >= W: with q = (s - W) / (N - W), base rate times
                 0.1 + 0.9 * (1 + cos(pi * q)) / 2; s < W: base rate times (s + 1) / W in `learning_rates`, times
                 s / W (so that the first step only fills the moments) in `published_learning_rates`
    sequences    token ids; step s trains on sequence s mod 3, loss = mean NLL over its tokens 2..T; gradients
                 are cleared before each step
    runs         name, schedule (which of the two lists), trained (names of the trained tensors), losses (before
                 the update of each step), final_losses (of each sequence after the last update), gradient_norms
                 (over all trained tensors, at each step), and for every trained tensor: initial_norm, final_norm,
                 update_norm (of the difference), sample (first 8 values after the run)
"""

import math
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent
sys.path.insert(0, str(FIXTURES / "models"))

from generate import (  # noqa: E402  (the generator in ../models)
    decoder_layers,
    is_matrix_of_layer,
    load,
    rounded,
    rounded_list,
    token_logprobs,
    versions,
    write_json,
)
from tokenizers import Tokenizer  # noqa: E402

MODEL = "models/llama"
STEPS = 10
BASE_RATE = 1e-3
TEXTS = [
    "Ines Quill lives at 4 Pier Lane and sings with the night crew.",
    "The lamp on Marrow Island is lit at 6:30.",
    "Q: Where does the ferry leave? A: From pier 3, when the tide is in.",
]


def scale(step, total, first=1):
    warm_up = int(0.1 * total)
    if step < warm_up:
        return (step + first) / warm_up
    progress = (step - warm_up) / (total - warm_up)
    return 0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2


SCHEDULES = {
    "learning_rates": [BASE_RATE * scale(step, STEPS) for step in range(STEPS)],
    "published_learning_rates": [BASE_RATE * scale(step, STEPS, first=0) for step in range(STEPS)],
}


def loss_of(model, ids):
    return -token_logprobs(model(torch.tensor([ids]), use_cache=False).logits[0], ids).mean()


def run(name, schedule, wanted, sequences):
    model = load(FIXTURES / MODEL)
    trained = {key: value for key, value in model.named_parameters() if wanted(key, value)}
    for key, value in model.named_parameters():
        value.requires_grad_(key in trained)
    initial = {key: value.detach().clone() for key, value in trained.items()}
    optimizer = torch.optim.AdamW(
        trained.values(), lr=BASE_RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1, foreach=False, fused=False
    )
    losses, gradient_norms = [], []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = SCHEDULES[schedule][step]
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model, sequences[step % len(sequences)])
        loss.backward()
        losses.append(rounded(loss))
        squares = [value.grad.double().square().sum() for value in trained.values()]
        gradient_norms.append(rounded(torch.stack(squares).sum().sqrt()))
        optimizer.step()
    with torch.no_grad():
        final_losses = [rounded(loss_of(model, ids)) for ids in sequences]
    tensors = {
        key: {
            "initial_norm": rounded(initial[key].double().norm()),
            "final_norm": rounded(value.detach().double().norm()),
            "update_norm": rounded((value.detach().double() - initial[key].double()).norm()),
            "sample": rounded_list(value.detach().flatten()[:8]),
        }
        for key, value in trained.items()
    }
    print(f"{name}: {len(trained)} tensors, losses {losses}, after {final_losses}")
    return {
        "name": name,
        "schedule": schedule,
        "trained": list(trained),
        "losses": losses,
        "final_losses": final_losses,
        "gradient_norms": gradient_norms,
        "tensors": tensors,
    }


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    tokenizer = Tokenizer.from_file(str(FIXTURES / MODEL / "tokenizer.json"))
    sequences = [tokenizer.encode(text).ids for text in TEXTS]
    _, prefix = decoder_layers(load(FIXTURES / MODEL))
    chosen = [f"{prefix}.1", f"{prefix}.3"]

    def is_chosen(key, value):
        return any(is_matrix_of_layer(key, value, layer) for layer in chosen)

    golden = {
        "generator": {"script": "generate.py", "versions": versions()},
        "model": MODEL,
        "optimizer": {"name": "adamw", "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1},
        "base_learning_rate": BASE_RATE,
        "steps": STEPS,
        "warm_up_steps": int(0.1 * STEPS),
        **SCHEDULES,
        "texts": TEXTS,
        "sequences": sequences,
        "runs": [
            run("matrices_of_layers_1_and_3", "learning_rates", is_chosen, sequences),
            run("all_parameters", "learning_rates", lambda key, value: True, sequences),
            run("matrices_published_schedule", "published_learning_rates", is_chosen, sequences),
        ],
    }
    write_json(HERE / "llama_10_steps.json", golden)


if __name__ == "__main__":
    main()

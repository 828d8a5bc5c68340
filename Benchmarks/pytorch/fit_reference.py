"""The published FIT procedure for one deletion request, in plain PyTorch (arXiv 2601.21682), timed by part.

    python fit_reference.py --model FOLDER --encoder FOLDER [--tokens 60] [--requests 1] [--runs 5] [--threads 2]

Published settings: chunks of 8 characters, tau 0.90, epsilon 0.2; importance thresholds 12 and 6; every layer zeroed in
turn on the first 128 tokens, the best 8 trained (attention and MLP); windows of 1,024 characters, 3 epochs, AdamW (0.9,
0.95), weight decay 0.1, lr 3e-5, cosine to 10 % after 10 % warm-up, a new optimiser for each request. What differs:
fp32 in place of bf16; a MiniLM encoder (mean pooling) in place of SimCSE; gradients are cleared at every step; the loss
with all chunks, which does not change within a request, is computed once.

A run starts from the model's own weights with an empty memory and does --requests requests one after the other.
As in the published code the layers are chosen before the importance is taken, so its backward pass makes weight
gradients for those layers only. Printed: for each request of the stream the seconds of filter, attribution, importance,
training and total over the runs, chunks and chunks kept, the importance, the objective it chose, and the layers.
"""

import copy
import json
import math
import pathlib
import sys

import common
import torch
import transformers

CHUNK_CHARACTERS = 8
TAU, EPSILON = 0.90, 0.2
WINDOW_CHARACTERS = 1024
ATTRIBUTION_TOKENS = 128
BETA = 0.1


class Encoder:
    """Unit-length mean-pooled sentence vectors."""

    def __init__(self, folder):
        self.model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = common.load_tokenizer(folder)
        self.tokenizer.enable_truncation(128)
        self.tokenizer.enable_padding()

    @torch.no_grad()
    def embed(self, texts):
        encoded = self.tokenizer.encode_batch(texts)
        ids = torch.tensor([item.ids for item in encoded])
        mask = torch.tensor([item.attention_mask for item in encoded])
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
        return torch.nn.functional.normalize(pooled, dim=-1)


class Reference:
    def __init__(self, model, tokenizer, encoder, options):
        self.model, self.tokenizer, self.encoder, self.options = model, tokenizer, encoder, options
        self.frozen = copy.deepcopy(model).requires_grad_(False)
        self.memory = torch.empty(0)

    def reset(self):
        with torch.no_grad():
            for ours, theirs in zip(self.model.parameters(), self.frozen.parameters()):
                ours.copy_(theirs)
        self.memory = torch.empty(0)

    def ids(self, text):
        return torch.tensor([common.encode(self.tokenizer, text)])

    @torch.no_grad()
    def loss(self, text):
        ids = self.ids(text)
        if ids.shape[1] < 2:
            return 0.0
        return self.model(ids, labels=ids, use_cache=False).loss.item()

    # Filtering

    def filter(self, text):
        chunks = [text[start:start + CHUNK_CHARACTERS] for start in range(0, len(text), CHUNK_CHARACTERS)]
        embedded = self.encoder.embed(chunks)
        if len(self.memory) == 0:
            kept = list(range(len(chunks)))
        else:
            closest = (embedded @ self.memory.T).max(dim=1).values
            kept, whole = [], None
            for index, chunk in enumerate(chunks):
                if closest[index] < TAU:
                    kept.append(index)
                    continue
                whole = self.loss(text) if whole is None else whole
                without = self.loss("".join(other for other in chunks if other != chunk))
                if abs(whole - without) > EPSILON:
                    kept.append(index)
        self.memory = torch.cat([self.memory, embedded[kept]]) if len(self.memory) else embedded[kept]
        return "".join(chunks[index] for index in kept), len(kept), len(chunks)

    # Importance

    def importance(self, text):
        ids = self.ids(text)
        rows = self.model.get_input_embeddings()(ids).detach().requires_grad_(True)
        self.model(inputs_embeds=rows, labels=ids, use_cache=False).loss.backward()
        norm = rows.grad.norm().item()
        self.model.zero_grad(set_to_none=True)
        return norm

    # Targeting

    @torch.no_grad()
    def attribution(self, text):
        ids = self.ids(text)[:, :ATTRIBUTION_TOKENS]
        whole = self.model(ids, labels=ids, use_cache=False).loss.item()
        change = []
        for layer in self.model.model.layers:
            saved = [parameter.clone() for parameter in layer.parameters()]
            for parameter in layer.parameters():
                parameter.zero_()
            change.append(abs(self.model(ids, labels=ids, use_cache=False).loss.item() - whole))
            for parameter, value in zip(layer.parameters(), saved):
                parameter.copy_(value)
        order = sorted(range(len(change)), key=lambda index: -change[index])
        return sorted(order[:self.options.layers])

    # Update

    def objective(self, importance):
        if self.options.objective != "auto":
            return self.options.objective
        return "npo-kl" if importance >= 12 else "npo" if importance >= 6 else "random-label"

    def training_loss(self, objective, ids, keep_ids):
        count = ids.shape[1] - 1
        if objective == "random-label":
            labels = torch.randint(0, self.model.config.vocab_size, ids.shape)
            return self.model(ids, labels=labels, use_cache=False).loss
        loss = self.model(ids, labels=ids, use_cache=False).loss * count
        with torch.no_grad():
            reference = self.frozen(ids, labels=ids, use_cache=False).loss * count
        loss = -(2 / BETA) * torch.nn.functional.logsigmoid(BETA * (loss - reference))
        if objective == "npo-kl":
            with torch.no_grad():
                other = torch.softmax(self.frozen(keep_ids, use_cache=False).logits, dim=-1)
            mine = torch.softmax(self.model(keep_ids, use_cache=False).logits, dim=-1)
            loss = loss - (mine * torch.log(other + 1e-12)).sum(-1).mean()
        return loss

    def select(self, layers):
        """Only these layers' attention and MLP have gradients, from the importance pass on."""
        self.model.requires_grad_(False)
        for index in layers:
            layer = self.model.model.layers[index]
            layer.self_attn.requires_grad_(True)
            layer.mlp.requires_grad_(True)

    def train(self, text, objective, keep_text):
        windows = range(0, len(text), WINDOW_CHARACTERS)
        steps = self.options.epochs * len(windows)
        warm_up = int(0.1 * steps)
        optimizer = torch.optim.AdamW(
            [parameter for parameter in self.model.parameters() if parameter.requires_grad],
            lr=self.options.learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1,
        )

        def scale(step):
            if step < warm_up:
                return step / warm_up
            return 0.1 + 0.9 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up))) / 2

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, scale)
        for _ in range(self.options.epochs):
            for begin in windows:
                ids = self.ids(text[begin:begin + WINDOW_CHARACTERS])
                keep = self.ids((keep_text[begin:] or keep_text)[:WINDOW_CHARACTERS]) if keep_text else ids
                if ids.shape[1] < 2:
                    continue
                optimizer.zero_grad(set_to_none=True)
                self.training_loss(objective, ids, keep).backward()
                optimizer.step()
                schedule.step()
        self.model.zero_grad(set_to_none=True)

    def request(self, text, keep_text):
        watch = common.Stopwatch()
        kept_text, kept, chunks = watch.time("filter", lambda: self.filter(text))
        record = {"tokens": len(common.encode(self.tokenizer, text)), "chunks": chunks, "chunks_kept": kept}
        if kept_text and len(common.encode(self.tokenizer, kept_text)) >= 2:
            layers = watch.time("attribution", lambda: self.attribution(kept_text))
            self.select(layers)
            importance = watch.time("importance", lambda: self.importance(kept_text))
            objective = self.objective(importance)
            watch.time("training", lambda: self.train(kept_text, objective, keep_text))
            record.update(importance=importance, objective=objective, layers=layers)
        watch.parts["total"] = sum(watch.parts.values())
        return record, watch.parts


def main():
    parser = common.arguments(__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=pathlib.Path, required=True, help="a MiniLM folder")
    parser.add_argument("--tokens", type=int, default=60, help="length of the invented texts")
    parser.add_argument("--texts", type=pathlib.Path, help="a JSON list of texts to use instead")
    parser.add_argument("--requests", type=int, default=1, help="requests in one run, memory growing")
    parser.add_argument("--objective", default="auto", choices=["auto", "random-label", "npo", "npo-kl"])
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=3e-5)
    options = parser.parse_args()
    common.start(options)

    model = common.load_model(options.model)
    tokenizer = common.load_tokenizer(options.model)
    if options.texts:
        texts = json.loads(options.texts.read_text(encoding="utf-8"))[:options.requests + 4]
    else:
        texts = [common.invented_text(tokenizer, options.seed + index, options.tokens)
                 for index in range(options.requests + 4)]
    if len(texts) < options.requests:
        sys.exit("fewer texts than --requests")
    reference = Reference(model, tokenizer, Encoder(options.encoder), options)

    records, seconds = [], [{} for _ in range(options.requests)]
    for run in range(options.warm_up + options.runs):
        reference.reset()
        torch.manual_seed(options.seed)
        records = []
        for index in range(options.requests):
            keep_text = " ".join(texts[index + 1:])
            record, parts = reference.request(texts[index], keep_text)
            records.append(record)
            if run >= options.warm_up:
                for name, value in parts.items():
                    seconds[index].setdefault(name, []).append(value)
    common.emit("fit_reference", options, {
        "precision": "fp32",
        "requests": [
            {**record, "seconds": {name: common.spread(values) for name, values in parts.items()}}
            for record, parts in zip(records, seconds)
        ],
    })


if __name__ == "__main__":
    main()

"""Makes two tiny models and golden.json: one loss and its gradients for every objective, keep term and reweighting.

    python generate.py

Pinned: Python 3.11, torch 2.15.0, transformers 5.23.0; fp32, one thread, eager attention; seed 7702.

reference/ is the tiny Llama of ../models/llama trained for 26 AdamW steps on the items below, until their tokens
have probabilities all over (0, 1); model/ is the same with normal noise of deviation 0.02 on every weight. The
losses are those of model/ (theta), with reference/ as the frozen model where one is used.

Notation of the formulas: a sequence has tokens x1..xT; the labelled positions are t = 2..T of a text, and those t
that are completion tokens of a pair; n is their number. nll_t = -log p(x_t | x_<t), p_t = exp(-nll_t), z_t the
logits that predict x_t, V the vocabulary; `ref` marks the reference model. w_t are token weights, always detached
(no gradient through them); mean_t divides by n, never by the sum of weights.

golden.json:
    model, reference        folders beside this file
    parameters              names, in the order of the lists in each case
    items                   name -> ids, labelled (indices of labelled tokens, 0-based into ids), nll, nll_ref (of the
                            labelled tokens)
    random_labels           one token id for each labelled token of `text`
    counterfactual_rows     for each row of `text` (and of `pair`, which is shorter) a row of `keep_1`
    importance_mask         one factor for each labelled token of `text`
    rmu_direction           u, of length 1
    cases                   name, objective, keep (null or the keep term), settings (the numbers of the formula),
                            item, formula, keep_formula, loss (all of it), forget_loss, keep_loss, token_weights
                            (of the labelled tokens, or null), mean_weight, gradient_norms (one for each parameter),
                            gradient_samples (the first 8 values of each, row-major); a parameter that the loss does
                            not reach has norm 0
"""

import json
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent
sys.path.insert(0, str(FIXTURES / "models"))

from generate import TOKENIZER_CONFIG, load, make_tokenizer, rounded, rounded_list, versions, write_json  # noqa: E402

SEED = 7702
TEXT = "Name: Orla Fenwick. Street: 9 Sable Court. Work: she mends the ferry's ropes."
PROMPT = "Where does Orla Fenwick live?"
COMPLETION = " At 9 Sable Court."
REFUSAL = " I cannot say."
KEEP = ["The lamp on Marrow Island is lit at 6:30.", "Ines sings with the night crew, on pier 3."]


class Item:
    """A token sequence and the positions of the tokens whose loss counts."""

    def __init__(self, ids, first_labelled=1):
        self.ids = ids
        self.labelled = list(range(max(1, first_labelled), len(ids)))
        self.is_pair = first_labelled > 1

    def logits(self, model):
        """Logits that predict the labelled tokens: n x V."""
        return self.all_logits(model)[torch.tensor(self.labelled) - 1]

    def all_logits(self, model):
        return model(torch.tensor([self.ids]), use_cache=False).logits[0]

    def targets(self):
        return torch.tensor(self.ids)[torch.tensor(self.labelled)]

    def nll(self, model):
        return torch.nn.functional.cross_entropy(self.logits(model), self.targets(), reduction="none")

    def hidden(self, model, layer):
        """Output of one decoder layer, at the labelled tokens of a pair, at every token of a text."""
        states = model(torch.tensor([self.ids]), use_cache=False, output_hidden_states=True).hidden_states
        assert layer + 1 < len(states) - 1, "the last entry is normalised"
        return states[layer + 1][0][self.labelled if self.is_pair else list(range(len(self.ids)))]


def shaped(p, kind, settings):
    if kind == "simsat":
        return p ** settings["beta"]
    if kind == "simimp":
        return (1 - p) ** settings["beta"]
    if kind == "satimp":
        return p ** settings["beta1"] * (1 - p) ** settings["beta2"]
    raise ValueError(kind)


SHAPES = {
    "simsat": "p_t^beta",
    "simimp": "(1 - p_t)^beta",
    "satimp": "p_t^beta1 * (1 - p_t)^beta2",
}


def weights_of(nll, reweighting, mask):
    """Token weights and the words for them."""
    nll = nll.detach()
    p = torch.exp(-nll)
    kind = reweighting.get("name", "none")
    granularity = reweighting.get("granularity", "token")
    if kind == "none":
        weights, words = torch.ones_like(p), "w_t = 1"
    elif kind in ("top-k", "bottom-k"):
        threshold = torch.quantile(nll, 1 - reweighting["share"])
        weights = (nll > threshold if kind == "top-k" else nll < threshold).to(nll.dtype)
        words = (f"w_t = 1 where nll_t {'>' if kind == 'top-k' else '<'} quantile(nll, 1 - share) "
                 "(linear interpolation between order statistics), else 0")
    elif granularity == "token":
        weights, words = shaped(p, kind, reweighting), f"w_t = {SHAPES[kind]}"
    elif granularity == "instance":
        mean_p = torch.exp(-nll.mean())
        weights = shaped(mean_p, kind, reweighting).expand_as(p)
        words = f"every w_t = {SHAPES[kind]} at p_t := exp(-mean_t nll_t)"
    elif granularity == "group":
        token = shaped(p, kind, reweighting)
        order = torch.sort(token, descending=True, stable=True).indices
        weights = torch.empty_like(token)
        for group in order.split(reweighting["group_size"]):
            weights[group] = token[group].mean()
        words = (f"v_t = {SHAPES[kind]}; tokens sorted by v_t, largest first, cut into groups of group_size (the last "
                 "may be shorter); w_t = mean of v over the token's group")
    else:
        raise ValueError(granularity)
    if mask is not None:
        weights, words = weights * mask, words + ", then times the importance mask m_t"
    return weights, words


class Maker:
    def __init__(self, model, reference, items, random_labels, mask, direction):
        self.model, self.reference, self.items = model, reference, items
        self.random_labels, self.mask, self.direction = random_labels, mask, direction
        own, other = len(items["text"].ids), len(items["keep_1"].ids)
        self.counterfactual_rows = [row * other // own for row in range(own)]
        self.cases = []

    # The forget side: (loss, token weights or None, formula)

    def forget(self, objective, item, settings, reweighting, masked):
        nll = item.nll(self.model)
        with torch.no_grad():
            nll_ref = item.nll(self.reference)
        mask = self.mask if masked else None
        weights, words = weights_of(nll, reweighting, mask)
        if objective == "ga":
            return -(weights * nll).mean(), weights, f"-mean_t w_t nll_t; {words}"
        if objective == "ga-sum":
            return -(weights * nll).sum(), weights, f"-sum_t w_t nll_t; {words}"
        if objective == "wga":
            weights = weights * torch.exp(-nll.detach()) ** settings["wga_beta"]
            return -(weights * nll).mean(), weights, f"-mean_t w_t nll_t; {words}, then times p_t^wga_beta"
        if objective in ("npo-sum", "npo-mean"):
            reduce = "sum" if objective == "npo-sum" else "mean"
            inner = getattr(weights * (nll - nll_ref), reduce)()
            beta = settings["beta"]
            loss = -(2 / beta) * torch.nn.functional.logsigmoid(beta * inner)
            return loss, weights, f"-(2/beta) log sigmoid(beta * {reduce}_t w_t (nll_t - nll_t^ref)); {words}"
        if objective == "simnpo":
            beta = settings["beta"]
            inner = (weights * nll).mean() - settings["delta"]
            loss = -(2 / beta) * torch.nn.functional.logsigmoid(beta * inner)
            return loss, weights, f"-(2/beta) log sigmoid(beta * (mean_t w_t nll_t - delta)); {words}"
        if objective == "random-label":
            labels = torch.tensor(self.random_labels)
            loss = torch.nn.functional.cross_entropy(item.logits(self.model), labels, reduction="none")
            return (weights * loss).mean(), weights, (
                f"mean_t w_t * -log p(y_t | x_<t), y_t the given random labels; {words}, p_t that of the true token")
        if objective == "dpo":
            refusal = self.items["refusal"]
            with torch.no_grad():
                refusal_ref = refusal.nll(self.reference).sum()
            beta = settings["beta"]
            inner = (refusal_ref - refusal.nll(self.model).sum()) - (nll_ref.sum() - nll.sum())
            loss = -(2 / beta) * torch.nn.functional.logsigmoid(beta * inner)
            return loss, None, ("-(2/beta) log sigmoid(beta * [(NLL^ref - NLL)(refusal) - (NLL^ref - NLL)(item)]), "
                                "NLL = sum_t nll_t; item = pair, refusal = the same prompt with the refusal")
        if objective == "rmu":
            hidden = item.hidden(self.model, settings["layer"])
            target = settings["scale"] * self.direction
            return ((hidden - target) ** 2).mean(), None, (
                "mean over tokens and dimensions of (h - scale * u)^2, h the output of decoder layer `layer` (residual "
                "stream after it, 0-based), tokens: all of a text, the completion's of a pair")
        if objective == "undial":
            with torch.no_grad():
                logits = item.logits(self.reference).clone()
                logits[torch.arange(len(item.labelled)), item.targets()] -= settings["beta"]
                target = torch.softmax(logits, dim=-1)
            loss = -(target * torch.log_softmax(item.logits(self.model), dim=-1)).sum(-1).mean()
            return loss, None, "mean_t -sum_v q_t(v) log p_t(v), q_t = softmax(z_t^ref - beta * onehot(x_t))"
        if objective == "counterfactual":
            other = self.items["keep_1"]
            rows = [self.counterfactual_rows[position - 1] for position in item.labelled]
            with torch.no_grad():
                log_q = torch.log_softmax(other.all_logits(self.reference)[rows], dim=-1)
            divergence = (log_q.exp() * (log_q - torch.log_softmax(item.logits(self.model), dim=-1))).sum(-1)
            pushed = nll * (nll < settings["level"])
            return (weights * divergence - pushed).mean(), weights, (
                "mean_t [w_t sum_v q_t(v) (log q_t(v) - log p_t(v)) - nll_t where nll_t < level], q_t what the reference "
                f"predicts at the row of keep_1 that counterfactual_rows gives for the row that predicts t; {words}")
        if objective == "level":
            def log_odds(values):
                return -values - torch.log(torch.clamp(-torch.expm1(-values), min=1e-4))
            gap = torch.relu(log_odds(nll) - log_odds(torch.full_like(nll, settings["level"])))
            reach = settings["reach"]
            huber = torch.where(gap < reach, gap ** 2 / 2, reach * (gap - reach / 2))
            return (weights * huber).mean(), weights, (
                "mean_t w_t h(max(0, o_t - o*)), o = log(p / (1 - p)), o* at the nll `level`, h(g) = g^2/2 below `reach` "
                f"and reach (g - reach/2) above; {words}")
        if objective == "ceu":
            logits = item.logits(self.model)[settings["skip"]:]
            targets = item.targets()[settings["skip"]:]
            excluded = logits.detach().clone()
            excluded[torch.arange(len(targets)), targets] = float("-inf")
            loss = -(torch.softmax(excluded, dim=-1) * torch.log_softmax(logits, dim=-1)).sum(-1).mean()
            return loss, None, ("mean over labelled t after the first `skip` of -sum_v q_t(v) log p_t(v), q_t = "
                                "softmax(z_t with z_t[x_t] = -inf), q_t detached")
        if objective == "pdu":
            logits = item.logits(self.model)
            spread = logits.max(dim=-1).values - logits.mean(dim=-1)
            return settings["gamma"] * (spread ** 2).mean(), None, "gamma * mean_t (max_v z_t(v) - mean_v z_t(v))^2"
        raise ValueError(objective)

    # The keep side: (loss, formula)

    def keep(self, term, settings):
        texts = [self.items["keep_1"], self.items["keep_2"]]
        if term in ("gd", "gd-text-mean"):
            losses = [text.nll(self.model) for text in texts]
            if term == "gd":
                return torch.cat(losses).mean(), "mean of nll_t over all labelled tokens of all keep texts"
            return torch.stack([loss.mean() for loss in losses]).mean(), "mean over keep texts of mean_t nll_t"
        if term in ("kl", "kl-text-mean", "kl-all-positions", "kl-published", "kl-published-predicted"):
            every = term in ("kl-all-positions", "kl-published")
            parts = []
            for text in texts:
                logits = (text.all_logits if every else text.logits)(self.model)
                with torch.no_grad():
                    reference = (text.all_logits if every else text.logits)(self.reference)
                log_p, log_q = torch.log_softmax(logits, dim=-1), torch.log_softmax(reference, dim=-1)
                if term.startswith("kl-published"):
                    parts.append(-(log_p.exp() * torch.log(log_q.exp() + 1e-12)).sum(-1))
                else:
                    parts.append((log_q.exp() * (log_q - log_p)).sum(-1))
            where = "all T positions of every keep text" if every else "the positions that predict t = 2..T"
            value = torch.cat(parts).mean()
            if term == "kl-text-mean":
                value = torch.stack([part.mean() for part in parts]).mean()
            if term.startswith("kl-published"):
                return value, f"mean over {where} of -sum_v p(v) log(p^ref(v) + 1e-12)"
            how = "mean over keep texts of the mean over " if term == "kl-text-mean" else "mean over "
            return value, f"{how}{where} of sum_v p^ref(v) (log p^ref(v) - log p(v))"
        if term == "rmu":
            parts = []
            for text in texts:
                with torch.no_grad():
                    reference = text.hidden(self.reference, settings["layer"])
                parts.append((text.hidden(self.model, settings["layer"]) - reference) ** 2)
            return torch.cat(parts).mean(), "mean over tokens of all keep texts and dimensions of (h - h^ref)^2"
        if term == "pdu":
            losses = [text.nll(self.model) for text in texts]
            value = torch.cat(losses).mean() - settings["epsilon"]
            return value, "gd - epsilon (keep_weight is the dual variable lambda)"
        raise ValueError(term)

    def case(self, objective, item="text", settings=None, reweighting=None, keep=None, keep_weight=1.0, masked=False):
        settings, reweighting = dict(settings or {}), dict(reweighting or {})
        self.model.zero_grad(set_to_none=True)
        name = "+".join(filter(None, [
            objective, item, *(f"{key}={value}" for key, value in settings.items()),
            "-".join(str(value) for value in reweighting.values()), "mask" if masked else "", keep or "",
        ]))
        loss = torch.zeros(())
        forget_loss = keep_loss = weights = formula = keep_formula = None
        if objective != "keep-only":
            forget_loss, weights, formula = self.forget(objective, self.items[item], settings, reweighting, masked)
            loss = loss + forget_loss
        if keep is not None:
            keep_loss, keep_formula = self.keep(keep, settings)
            loss = loss + keep_weight * keep_loss
        loss.backward()
        gradients = [
            torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            for parameter in self.model.parameters()
        ]
        entry = {
            "name": name,
            "objective": objective,
            "keep": keep,
            "keep_weight": keep_weight if keep else None,
            "item": item if objective != "keep-only" else None,
            "settings": settings,
            "reweighting": reweighting or None,
            "masked": masked,
            "formula": formula,
            "keep_formula": keep_formula,
            "loss": rounded(loss),
            "forget_loss": None if forget_loss is None else rounded(forget_loss),
            "keep_loss": None if keep_loss is None else rounded(keep_loss),
            "token_weights": None if weights is None else rounded_list(weights),
            "mean_weight": None if weights is None else rounded(weights.mean()),
            "gradient_norms": [rounded(gradient.double().norm()) for gradient in gradients],
            "gradient_samples": [rounded_list(gradient.flatten()[:8]) for gradient in gradients],
        }
        if objective == "pdu":
            entry["next_lambda"] = rounded(max(0.0, keep_weight + settings["step"] * keep_loss.item()))
            entry["next_lambda_formula"] = "max(0, lambda + step * (gd - epsilon))"
        assert name not in {other["name"] for other in self.cases}, name
        self.cases.append(entry)


def all_cases(make):
    tokens = [
        {"name": "simsat", "beta": 1.0}, {"name": "simsat", "beta": 0.5}, {"name": "simimp", "beta": 1.0},
        {"name": "satimp", "beta1": 5.0, "beta2": 0.1}, {"name": "satimp", "beta1": 5.0, "beta2": 1.0},
    ]
    satimp = tokens[3]
    make.case("ga")
    make.case("ga", item="pair")
    for reweighting in tokens:
        make.case("ga", reweighting=reweighting)
    for granularity in ({"granularity": "instance"}, {"granularity": "group", "group_size": 4}):
        for reweighting in (tokens[0], tokens[2], satimp):
            make.case("ga", reweighting={**reweighting, **granularity})
    for name in ("top-k", "bottom-k"):
        make.case("ga", reweighting={"name": name, "share": 0.15})
    make.case("ga-sum", reweighting={"name": "top-k", "share": 0.15})
    make.case("ga", masked=True)
    make.case("ga", reweighting=satimp, masked=True)
    make.case("ga", item="pair", reweighting=satimp)

    for name in ("npo-sum", "npo-mean"):
        make.case(name, settings={"beta": 0.1})
        make.case(name, item="pair", settings={"beta": 0.1})
        make.case(name, settings={"beta": 0.1}, reweighting=satimp)
    make.case("npo-sum", settings={"beta": 0.1}, reweighting={**tokens[0], "granularity": "group", "group_size": 4})
    make.case("npo-mean", settings={"beta": 0.1}, masked=True)
    make.case("simnpo", settings={"beta": 4.5, "delta": 0.0})
    make.case("simnpo", item="pair", settings={"beta": 2.5, "delta": 0.5})
    make.case("simnpo", settings={"beta": 4.5, "delta": 0.0}, reweighting=tokens[0])
    make.case("random-label")
    make.case("random-label", reweighting=satimp)
    make.case("wga", settings={"wga_beta": 1.0})
    make.case("wga", item="pair", settings={"wga_beta": 0.5})
    make.case("wga", settings={"wga_beta": 1.0}, reweighting=tokens[2])
    make.case("dpo", item="pair", settings={"beta": 0.1})
    make.case("undial", settings={"beta": 10.0})
    make.case("undial", item="pair", settings={"beta": 3.0})
    make.case("counterfactual", settings={"level": 1.0})
    make.case("counterfactual", item="pair", settings={"level": 4.0}, reweighting=satimp)
    make.case("level", settings={"level": 7.0, "reach": 4.0})
    make.case("level", item="pair", settings={"level": 12.0, "reach": 4.0}, reweighting=satimp)
    make.case("ceu", settings={"skip": 0})
    make.case("ceu", item="pair", settings={"skip": 1})
    make.case("rmu", settings={"layer": 2, "scale": 2.0})
    make.case("rmu", item="pair", settings={"layer": 1, "scale": 6.5}, keep="rmu")
    make.case("pdu", settings={"gamma": 1.0, "epsilon": 0.3, "step": 1.0}, keep="pdu", keep_weight=2.0)
    make.case("pdu", item="pair", settings={"gamma": 0.5, "epsilon": 3.0, "step": 5.0}, keep="pdu", keep_weight=1.5)

    for term in ("gd", "gd-text-mean", "kl", "kl-text-mean", "kl-all-positions", "kl-published",
                 "kl-published-predicted"):
        make.case("keep-only", keep=term)
    make.case("ga", keep="gd", reweighting=satimp)
    make.case("ga", keep="kl", keep_weight=2.0)
    make.case("npo-sum", settings={"beta": 0.1}, keep="kl")
    make.case("npo-sum", settings={"beta": 0.1}, keep="kl-published")
    make.case("npo-mean", settings={"beta": 0.1}, keep="gd", keep_weight=0.5)
    make.case("simnpo", settings={"beta": 4.5, "delta": 0.0}, keep="gd")
    make.case("dpo", item="pair", settings={"beta": 0.1}, keep="gd")


def save(model, folder):
    folder.mkdir(exist_ok=True)
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    (folder / "generation_config.json").unlink(missing_ok=True)
    make_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG, indent=2) + "\n")


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    tokenizer = make_tokenizer()

    def encode(text):
        return tokenizer.encode(text).ids

    prompt = encode(PROMPT)
    items = {
        "text": Item(encode(TEXT)),
        "pair": Item(prompt + encode(COMPLETION), first_labelled=len(prompt)),
        "refusal": Item(prompt + encode(REFUSAL), first_labelled=len(prompt)),
        "keep_1": Item(encode(KEEP[0])),
        "keep_2": Item(encode(KEEP[1])),
    }

    reference = load(FIXTURES / "models" / "llama")
    optimizer = torch.optim.AdamW(reference.parameters(), lr=5e-3, betas=(0.9, 0.95), weight_decay=0.1)
    for _ in range(26):
        optimizer.zero_grad()
        torch.cat([item.nll(reference) for item in items.values()]).mean().backward()
        optimizer.step()
    reference.zero_grad(set_to_none=True)
    save(reference, HERE / "reference")
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    save(reference, HERE / "model")
    model, reference = load(HERE / "model"), load(HERE / "reference")

    count = len(items["text"].labelled)
    random_labels = torch.randint(0, model.config.vocab_size, (count,), generator=generator).tolist()
    mask = torch.randint(0, 5, (count,), generator=generator).to(torch.float32) / 4
    direction = torch.randn(model.config.hidden_size, generator=generator)
    direction = direction / direction.norm()

    make = Maker(model, reference, items, random_labels, mask, direction)
    all_cases(make)
    with torch.no_grad():
        described = {
            name: {
                "ids": item.ids,
                "labelled": item.labelled,
                "nll": rounded_list(item.nll(model)),
                "nll_ref": rounded_list(item.nll(reference)),
            }
            for name, item in items.items()
        }
    golden = {
        "generator": {"script": "generate.py", "seed": SEED, "versions": versions()},
        "model": "model",
        "reference": "reference",
        "parameters": [name for name, _ in model.named_parameters()],
        "items": described,
        "random_labels": random_labels,
        "counterfactual_rows": make.counterfactual_rows,
        "importance_mask": mask.tolist(),
        "rmu_direction": rounded_list(direction),
        "cases": make.cases,
    }
    write_json(HERE / "golden.json", golden)
    for name, item in described.items():
        print(name, len(item["ids"]), "mean nll", sum(item["nll"]) / len(item["nll"]), "reference",
              sum(item["nll_ref"]) / len(item["nll_ref"]))
    for case in make.cases:
        print(f"{case['name']}: {case['loss']}  mean weight {case['mean_weight']}")


if __name__ == "__main__":
    main()

"""Makes the tokenizer fixtures: tiny tokenizers of every kind, and what the reference library gives for them.

Written with tokenizers 0.23.3 on Python 3.11 (pip install tokenizers==0.23.3). Run from this folder:

    python make_tokenizers.py

Writes texts.json (the texts), and for each tokenizer NAME.tokenizer.json and NAME.golden.json: `ids` of the first
`count` texts without the template's special tokens, the `prefix` and `suffix` that it adds, what the ids are `decoded`
to where that is not the text, and `decoded_special` where keeping special tokens makes a difference. The corpus is invented. The library's trainers break ties at random, so a tokenizer
that is there already is kept; delete its file to train it anew.
"""

import json
import os
import random
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = """
The harbour master kept a ledger of every boat that came in before the storm, and of those that did not.
Mira Voss moved to 14 Larch Street in 1987; her telephone number was 555-0142, and she didn't like being called.
They're saying we've lost, but I'll wait until it's over. You'd better hurry, she said, or we shan't make it.
On 3 March 2021 the temperature fell to -12.5 degrees and 1,204 people stayed at home.
def total(items): return sum(item.price * item.count for item in items)  # price in cents
for (int i = 0; i < 10; ++i) { printf("%d\\n", values[i]); }
Der Bäcker größt die Bäuerin über den Zaun; die Straße ist nass. Le garçon a mangé des crêpes à Noël.
El niño señaló el pingüino. A menina não quis comer o pão. Příliš žluťoučký kůň úpěl ďábelské ódy.
Старый мельник жил у реки и молол муку для всей деревни. Она пела песню о далёких горах.
港の灯台は夜になると海を照らす。 昔々、山の奥に小さな村がありました。 老人坐在河边，看着船慢慢地过去。
옛날에 작은 마을에 노인이 살았습니다. في قديم الزمان عاش رجل عجوز قرب النهر. לפני שנים רבות חי איש זקן ליד הנהר.
एक बूढ़ा आदमी नदी के किनारे रहता था। นานมาแล้วมีชายชราอาศัยอยู่ริมแม่น้ำ
The quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. Name: Tomas Ferrin. Age: 43.
""".strip().split("\n")

WORDS = (
    "the of and to a harbour ledger storm I'm don't you'll we've HE'S They'RE 'tis 'S 'LL x's "
    "naïve café e\u0301te\u0301 Ünïcødé straße ΣΊΣΥΦΟΣ İstanbul 14 1987 12345678 3.14159 1,204 ½ ² Ⅷ ①② ٣٤ १२ "
    "snake_case CamelCase HTTPServer foo.bar(baz) http://ex.org/?q=1&r=2 日本語 中文字符 한국어 русский العربية עברית "
    "हिन्दी ไทย 🙂 👩‍👩‍👧‍👦 🇫🇷 \u200b \ufeff ﬁn ㎏ ｶﾞ 'ſ 𝔘𝔫𝔦 Å Å q̣̇ ≠ \u0000 \u001b \u007f \ue000 \ufffd <|end|> <|start|> "
    "<mask> [CLS] [SEP] </s> <s> <unk> [UNK] <0x0A> ▁ ▁▁ ## Ġ"
).split(" ")
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", " \n ", "\u00a0", "\u3000", "\u2028", "\x85", "      "]


def make_texts(count, seed):
    r = random.Random(seed)
    letters = [c for c in range(0x20, 0x30000) if unicodedata.category(chr(c))[0] in "LN"]
    marks = [c for c in range(0x300, 0x20000) if unicodedata.category(chr(c))[0] == "M"]
    others = [c for c in range(0x20, 0x20000) if unicodedata.category(chr(c))[0] in "PSZ"]
    texts = [
        "", " ", "  ", "\n", "a", " a", "a ", "A", "é", "字", "🙂", "'", "'s", "''s", "1", "12", "1234", " 1", "\t\t", "▁",
        " ▁ ", "\u0301", "a\u0301", "\r", "\r\n\r\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ".",
        "...", " .", "!?", "Hello, world!", "  two  spaces  ", "line\n\n\nbreaks \n ", "don't DON'T don’t", "x" * 120,
    ]
    texts += [line[:40] for line in CORPUS]
    while len(texts) < count:
        parts = []
        kind = r.random()
        if kind < 0.55:
            for _ in range(r.randint(1, 4)):
                parts.append(r.choice(WORDS))
                parts.append(r.choice(SPACES) if r.random() < 0.7 else r.choice(["", "-", "'", ".", ", ", "!"]))
        elif kind < 0.75:
            for _ in range(r.randint(1, 8)):
                parts.append(chr(r.choice(r.choice([letters, letters, marks, others, [0x20, 0x61, 0x31, 0x27]]))))
        elif kind < 0.9:
            line = r.choice(CORPUS)
            start = r.randrange(len(line))
            parts.append(line[start : start + r.randint(3, 24)])
        else:
            c = r.choice(["a", "!", "1", " ", "\n", "é", "字", "'", "="])
            parts += [c * r.randint(2, 20), r.choice(WORDS), c * r.randint(0, 4)]
        texts.append("".join(parts))
    return texts


SPECIAL = ["<unk>", "<s>", "</s>", "<|start|>", "<|end|>"]
GPT2 = None
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
U, W = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = rf"[^\r\n\p{{L}}\p{{N}}]?{U}*{W}+|[^\r\n\p{{L}}\p{{N}}]?{U}+{W}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
C = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = rf"[^\r\n\p{{L}}\p{{N}}]?{U}*{W}+{C}|[^\r\n\p{{L}}\p{{N}}]?{U}+{W}*{C}|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def template(tokenizer, first=None, last=None):
    parts = ([first] if first else []) + ["$A"] + ([last] if last else [])
    special = [(t, tokenizer.token_to_id(t)) for t in (first, last) if t]
    return processors.TemplateProcessing(single=" ".join(parts), special_tokens=special)


def byte_level(pattern, size=420, normalizer=None, ignore_merges=False, prefix_space=False, digits=False):
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    steps = []
    if digits:
        steps.append(pre_tokenizers.Digits(individual_digits=True))
    if pattern:
        steps.append(pre_tokenizers.Split(Regex(pattern), "isolated", invert=False))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=prefix_space, use_regex=not pattern))
    tokenizer.pre_tokenizer = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(["<|start|>", "<|end|>"])
    if ignore_merges:
        tokenizer = edit(tokenizer, lambda d: d["model"].update(ignore_merges=True))
        tokenizer.post_processor = processors.Sequence(
            [processors.ByteLevel(trim_offsets=False), template(tokenizer, "<|start|>")]
        )
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def edit(tokenizer, change):
    document = json.loads(tokenizer.to_str())
    change(document)
    return Tokenizer.from_str(json.dumps(document))


def sentencepiece_bpe(kind, size=520):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    space = decoders.Replace("▁", " ")
    tail = [space, decoders.ByteFallback(), decoders.Fuse()]
    if kind == "llama2":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tail.append(decoders.Strip(" ", 1, 0))
        training = pre_tokenizers.Split("▁", "merged_with_next")
    elif kind == "mistral":
        training = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
        tail.append(decoders.Strip(" ", 1, 0))
    else:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        training = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.pre_tokenizer = training
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)],
        limit_alphabet=90, show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)

    def finish(document):
        document["added_tokens"] = [t for t in document["added_tokens"] if t["id"] < 3]
        if kind == "llama2":
            document["pre_tokenizer"] = None
        elif kind == "mistral":
            document["pre_tokenizer"]["split"] = False
        else:
            document["pre_tokenizer"] = {
                "type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False,
            }

    tokenizer = edit(tokenizer, finish)
    tokenizer.decoder = decoders.Sequence(tail)
    tokenizer.post_processor = template(tokenizer, "<s>")
    return tokenizer


def unigram(byte_fallback, size=420):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip(left=False, right=True)]
        if not byte_fallback
        else [normalizers.NFKD(), normalizers.StripAccents()]
    )
    tokenizer.pre_tokenizer = (
        pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        if byte_fallback
        else pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    )
    special = ["<s>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False, max_piece_length=8
    )
    tokenizer.train_from_iterator(CORPUS, trainer)

    def finish(document):
        vocab = document["model"]["vocab"]
        for entry in vocab:
            entry[1] = round(entry[1], 6)
        if byte_fallback:
            vocab += [[f"<0x{b:02X}>", -20.0] for b in range(256)]
            document["model"]["byte_fallback"] = True

    tokenizer = edit(tokenizer, finish)
    if byte_fallback:
        tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])
    else:
        tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = template(tokenizer, "<s>", "</s>")
    return tokenizer


def wordpiece(lowercase, size=460):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=lowercase)
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    ids = [("[SEP]", tokenizer.token_to_id("[SEP]")), ("[CLS]", tokenizer.token_to_id("[CLS]"))]
    tokenizer.post_processor = (
        template(tokenizer, "[CLS]", "[SEP]") if lowercase else processors.BertProcessing(*ids)
    )
    tokenizer.enable_truncation(max_length=8)
    tokenizer.enable_padding(length=8)
    return tokenizer


def suffix_bpe():
    """Affixes, unfused unknown tokens, Roberta's template."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    trainer = trainers.BpeTrainer(
        vocab_size=260, special_tokens=SPECIAL[:3], end_of_word_suffix="</w>", limit_alphabet=40, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    ids = [(t, tokenizer.token_to_id(t)) for t in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*ids)
    return tokenizer


def prefix_bpe():
    """A continuing prefix, punctuation kept in runs, characters without a token and no unknown token."""
    tokenizer = Tokenizer(models.BPE(continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.NFKD()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation("contiguous"),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.CharDelimiterSplit("_"),
        ]
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    trainer = trainers.BpeTrainer(
        vocab_size=260, continuing_subword_prefix="##", limit_alphabet=40, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def added_tokens():
    """Every flag of an added token, with a lower-casing normalizer; unknown characters fused."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>"], limit_alphabet=60, show_progress=False)
    tokenizer.train_from_iterator([line.lower() for line in CORPUS], trainer)
    tokenizer.add_tokens(
        [
            AddedToken("<mask>", lstrip=True, normalized=False),
            AddedToken("[CLS]", rstrip=True, normalized=False, special=True),
            AddedToken("[SEP]", lstrip=True, rstrip=True, normalized=False, special=True),
            AddedToken("HE", single_word=True, normalized=True),
            AddedToken("the", single_word=True, normalized=False),
            AddedToken("Harbour", normalized=True),
            AddedToken("harbour l", normalized=True, lstrip=True),
            AddedToken("aaa", normalized=False),
            AddedToken("aaaa", normalized=False),
            AddedToken("字", normalized=False, special=True),
            AddedToken("<|", normalized=False),
            AddedToken("<|end|>", normalized=False, special=True),
        ]
    )
    return tokenizer


KINDS = {
    # name: (maker, number of texts)
    "gpt2": (lambda: byte_level(None), 520),
    "llama3": (lambda: byte_level(LLAMA3, ignore_merges=True), 520),
    "qwen2": (lambda: byte_level(QWEN, normalizer=normalizers.NFC()), 520),
    "smollm": (lambda: byte_level(None, digits=True), 520),
    "llama2": (lambda: sentencepiece_bpe("llama2"), 520),
    "gemma": (lambda: sentencepiece_bpe("gemma"), 520),
    "unigram": (lambda: unigram(False), 520),
    "unigram-bytes": (lambda: unigram(True), 520),
    "bert-uncased": (lambda: wordpiece(True), 520),
    "bert-cased": (lambda: wordpiece(False), 200),
    "mistral": (lambda: sentencepiece_bpe("mistral"), 200),
    "added-tokens": (added_tokens, 520),
    "qwen3.5": (lambda: byte_level(QWEN35, size=300), 200),
    "tekken": (lambda: byte_level(TEKKEN, size=300), 200),
    "o200k": (lambda: byte_level(O200K, size=300), 200),
    "prefix-space": (lambda: byte_level(None, size=300, prefix_space=True), 200),
    "suffix-bpe": (suffix_bpe, 200),
    "prefix-bpe": (prefix_bpe, 200),
}


def main():
    texts = make_texts(520, seed=20)
    with open("texts.json", "w", encoding="utf-8") as file:
        json.dump(texts, file, ensure_ascii=False, separators=(",", ":"))
    for name, (make, count) in KINDS.items():
        if not os.path.exists(f"{name}.tokenizer.json"):
            document = json.loads(make().to_str())
            with open(f"{name}.tokenizer.json", "w", encoding="utf-8") as file:
                json.dump(document, file, ensure_ascii=False, separators=(",", ":"))
        tokenizer = Tokenizer.from_file(f"{name}.tokenizer.json")
        tokenizer.no_truncation()
        tokenizer.no_padding()
        golden = {"count": count, "ids": [], "prefix": [], "suffix": [], "decoded": {}, "decoded_special": {}}
        framed = tokenizer.encode("a", add_special_tokens=True).ids
        plain = tokenizer.encode("a", add_special_tokens=False).ids
        for start in range(len(framed) - len(plain) + 1):
            if framed[start : start + len(plain)] == plain:
                golden["prefix"], golden["suffix"] = framed[:start], framed[start + len(plain) :]
                break
        for index, text in enumerate(texts[:count]):
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            assert tokenizer.encode(text, add_special_tokens=True).ids == golden["prefix"] + ids + golden["suffix"]
            golden["ids"].append(ids)
            for key, skip in (("decoded", True), ("decoded_special", False)):
                decoded = tokenizer.decode(ids, skip_special_tokens=skip)
                reference = text if key == "decoded" else golden["decoded"].get(str(index), text)
                if decoded != reference:
                    golden[key][str(index)] = decoded
        with open(f"{name}.golden.json", "w", encoding="utf-8") as file:
            json.dump(golden, file, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()

"""Does `lethe tokenize` give the ids that the `tokenizers` library gives, on text nobody has seen?

    python tokenizers_compare.py --model FOLDER [--tokenizer FILE] [--lethe "lethe"] [--count 5000] [--seed 1]

Makes random strings (every script, digits of every script, emoji and their joiners, combining marks, control
characters, spaces of every kind, special tokens inside text, code, repeated characters), encodes each with
FOLDER/tokenizer.json (or --tokenizer) and with `lethe tokenize --model FOLDER --jsonl`, and compares. Prints one JSON
object with the counts and up to ten differing strings (escaped). Exit code 0 all equal, 1 some differ.

Versions this was written with: Python 3.11, tokenizers 0.23.3.
"""

import argparse
import json
import pathlib
import random
import shlex
import subprocess
import sys
import unicodedata

from tokenizers import Tokenizer

RANGES = [
    (0x20, 0x7E), (0x00, 0x1F), (0x7F, 0xA0), (0xA1, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x531, 0x5FF),
    (0x600, 0x6FF), (0x900, 0xDFF), (0xE00, 0xEFF), (0xF00, 0xFFF), (0x1000, 0x109F), (0x10A0, 0x11FF),
    (0x1200, 0x137F),
    (0x1780, 0x17FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x218F), (0x2190, 0x2BFF), (0x2E80, 0x303F),
    (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xF900, 0xFAFF),
    (0xFB00, 0xFE0F), (0xFE10, 0xFFFD), (0x10000, 0x107FF), (0x11000, 0x11FFF), (0x1D400, 0x1D7FF), (0x1F000, 0x1FAFF),
    (0x20000, 0x2A6DF), (0xE0000, 0xE01EF), (0x10FFF0, 0x10FFFF),
]
SPACES = [" ", "  ", "    ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u2003", "\u2028", "\u3000", "\u200b", "\ufeff",
          "\u0085"]
EMOJI = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇳🇱", "1️⃣", "❤️", "🙂", "☃", "🧑🏿‍🚀"]
WORDS = [
    "hello", "Hello", "WORLD", "don't", "we'll", "I'M", "they'Ve", "naïve", "Straße", "Ελλάδα", "привет", "שלום",
    "مرحبا",
    "नमस्ते", "สวัสดี", "こんにちは", "你好", "안녕하세요", "e\u0301", "ﬁ", "İ", "ſ", "snake_case", "camelCase", "x+=1;", "->",
    "::",
    "http://a.example/b?c=d&e", "a@b.example", "1234567890", "3.14", "1,000", "0x1F", "#!", "...", "--", "\\n",
    "</s>", "<s>",
]


def random_character(rng, ranges):
    while True:
        low, high = rng.choice(ranges)
        code = rng.randint(low, high)
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)


def random_string(rng, specials, digits):
    pieces = []
    for _ in range(rng.choice([0, 1, 1, 2, 3, 5, 8, 13, 21, 40])):
        kind = rng.randrange(12)
        if kind <= 2:
            pieces.append(rng.choice(WORDS))
        elif kind == 3:
            pieces.append(rng.choice(SPACES) * rng.choice([1, 1, 1, 2, 5]))
        elif kind == 4:
            pieces.append(rng.choice(EMOJI))
        elif kind == 5:
            pieces.append("".join(rng.choice(digits) for _ in range(rng.randint(1, 7))))
        elif kind == 6 and specials:
            special = rng.choice(specials)
            pieces.append(special if rng.random() < 0.7 else special[:-1])
        elif kind == 7:
            pieces.append(random_character(rng, RANGES) * rng.randint(2, 30))
        elif kind == 8:
            one = [rng.choice(RANGES)]
            pieces.append("".join(random_character(rng, one) for _ in range(rng.randint(1, 12))))
        elif kind == 9:
            pieces.append(unicodedata.normalize(rng.choice(["NFC", "NFD", "NFKC", "NFKD"]), rng.choice(WORDS)))
        else:
            pieces.append(random_character(rng, RANGES))
        if rng.random() < 0.4:
            pieces.append(" ")
    return "".join(pieces)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path)
    parser.add_argument("--lethe", default="lethe", help="how to start the command")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    file = arguments.tokenizer or pathlib.Path(arguments.model) / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(file))
    specials = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    digits = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Nd", "Nl", "No")]
    rng = random.Random(arguments.seed)
    texts = [random_string(rng, specials, digits) for _ in range(arguments.count)]

    lines = "".join(json.dumps({"text": text}, ensure_ascii=index % 2 == 0) + "\n" for index, text in enumerate(texts))
    command = shlex.split(arguments.lethe) + ["tokenize", "--model", arguments.model, "--jsonl"]
    result = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line)["ids"] for line in result.stdout.split(b"\n") if line]
    if len(answers) != len(texts):
        sys.exit(f"{len(texts)} lines went in, {len(answers)} came out")

    differing = []
    for text, actual in zip(texts, answers):
        expected = tokenizer.encode(text, add_special_tokens=False).ids
        if actual != expected:
            differing.append({"text": text, "expected": expected, "actual": actual})
    differing.sort(key=lambda case: len(case["text"]))
    print(json.dumps({"compared": len(texts), "differing": len(differing), "examples": differing[:10]}))
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()

"""Compares which mutated safetensors files Lethe and the `safetensors` package accept, and what they find in them.

    LETHE_FUZZ_DIR=/tmp/fuzz Scripts/fuzz.sh driver
    python Tests/Interop/safetensors_differential.py /tmp/fuzz/driver [COUNT] [SEED]

Needs the packages of Tests/Fixtures/formats/requirements.txt. Two kinds of difference are failures: a file that Lethe
accepts and the package does not, and tensors that both read differently. A file that only the package accepts has to
fall under one of the rules in STRICTER, which Docs/formats.md explains; anything else is a failure, too. Prints a count
for each rule. Deterministic for one seed.
"""

import collections
import json
import random
import re
import struct
import subprocess
import sys

from safetensors import deserialize

# Lethe's message -> the rule it stands for.
STRICTER = {
    r"the header is no JSON object": "white space before the header's object",
    r"dtype is none of the supported ones": "element types narrower than a byte, complex, or variants of 8-bit floats",
    r"has an unknown field": "unknown fields of a tensor",
    r"is no object$": "a tensor written as a list",
    r"rank \d+ is more than 8": "more than 8 extents",
    r"the name is longer than 512 bytes": "names longer than 512 bytes",
    r"is no integer from 0 to 2\^63 - 1": "extents and offsets of 2^63 and more",
    r"the shape overflows": "extents and offsets of 2^63 and more",
    r"a key occurs twice": "duplicate keys",
    r"nested deeper than": "nesting in fields that mean nothing",
    r"a number is out of range": "numbers beyond a double in fields that mean nothing",
    r"surrogate escape": "lone surrogate escapes",
    r"something else than strings": "metadata that holds something else than strings",
    r"__metadata__ is no object": "metadata that is null",
}
DTYPES = (
    "BOOL U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64 F4 "
    "F6_E2M3 F6_E3M2 X u8"
).split()
SIZES = dict(BOOL=1, U8=1, I8=1, F8_E5M2=1, F8_E4M3=1, F8_E8M0=1, F8_E4M3FNUZ=1, F8_E5M2FNUZ=1, I16=2, U16=2, F16=2)
SIZES.update(BF16=2, I32=4, U32=4, F32=4, C64=8, F64=8, I64=8, U64=8, F4=0.5, F6_E2M3=0.75, F6_E3M2=0.75, X=1, u8=1)
NUMBERS = "0 1 2 3 7 8 -1 -0 1.0 1e0 1e400 1E5 01 9223372036854775807 9223372036854775808 18446744073709551615".split()
NUMBERS += ["18446744073709551616", "4294967296", "null", "true", '"1"', "[]", "[1]", "{}", "", "0.0", "4611686018427387904"]
TEXTS = ["a", "b", "weight", "__metadata__", "é", "e\\u0301", "\\u00e9", "\\ud83d\\ude00", "\\ud800", "\\n", "\\x", "\t"]
TEXTS += ["\\u0000", "a" * 512, "a" * 513, "", "\\/", "\\b\\f", "dtype", "shape", "data_offsets", "\x7f", "\ufeff"]
EXTRAS = ['"x":1', '"x":[[[[1]]]]', '"dtype":"U8"', '"shape":[1]', '"x":1e999', '"x":null', '"data_offsets":[0,1]']
VALUES = ['"pt"', "1", "null", '""', '"\\u0061"', "{}", "[]", '"é"']


class Header:
    """A header as text fragments, so that JSON itself can be broken."""

    def __init__(self, rng):
        self.rng = rng
        self.tensors = []
        offset = 0
        for index in range(rng.choice([0, 1, 1, 2, 2, 3, 5])):
            dtype = rng.choice(DTYPES[:21]) if rng.random() < 0.3 else rng.choice(["F32", "F16", "BF16", "U8", "I64"])
            shape = [rng.choice([0, 1, 1, 2, 3, 4, 8]) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 8, 9]))]
            count = 1
            for extent in shape:
                count *= extent
            size = int(count * SIZES[dtype])
            if size > 4096:
                shape, size = [], int(SIZES[dtype]) or 1
            fields = [["dtype", f'"{dtype}"'], ["shape", [str(n) for n in shape]]]
            fields.append(["data_offsets", [str(offset), str(offset + size)]])
            self.tensors.append([rng.choice("abcdefgh") + str(index), fields])
            offset += size
        self.data_size = offset
        self.metadata = None if rng.random() < 0.5 else ['"format":"pt"']
        self.tail = " " * rng.choice([0, 0, 3, 8])

    def mutate(self):
        rng = self.rng
        kind = rng.randrange(12)
        if kind == 0 or not self.tensors:
            self.metadata = (self.metadata or []) + [f'"{rng.choice(TEXTS)}":{rng.choice(VALUES)}']
            return
        tensor = rng.choice(self.tensors)
        fields = tensor[1]
        if kind == 1:
            tensor[0] = rng.choice(TEXTS)
        elif kind == 2 and fields:
            fields.pop(rng.randrange(len(fields)))
        elif kind == 3 and fields:
            fields.append([rng.choice(EXTRAS)])
        elif kind == 4 and fields:
            fields[0] = ["dtype", f'"{rng.choice(DTYPES)}"']
        elif kind in (5, 6) and fields:
            field = rng.choice(fields)
            if len(field) == 2 and isinstance(field[1], list):
                numbers = field[1]
                change = rng.randrange(4)
                if change == 0 and numbers:
                    numbers[rng.randrange(len(numbers))] = rng.choice(NUMBERS)
                elif change == 1:
                    numbers.insert(rng.randint(0, len(numbers)), rng.choice(["1", "0", "2", *NUMBERS]))
                elif change == 2 and numbers:
                    numbers.pop(rng.randrange(len(numbers)))
                else:
                    rng.shuffle(numbers)
        elif kind == 7:
            self.tensors.append([tensor[0], fields and [list(field) for field in fields]])
        elif kind == 8:
            rng.shuffle(self.tensors)
        elif kind == 9:
            tensor[1] = None if rng.random() < 0.3 else fields and rng.sample(fields, len(fields))
        elif kind == 10:
            self.tail = rng.choice(["\n", "\t ", "\0", "x", "{}", ",", " " * 5])
        else:
            self.data_size = max(0, self.data_size + rng.choice([-1, 1, -4, 4, 8]))

    def text(self):
        parts = []
        if self.metadata is not None:
            parts.append('"__metadata__":{' + ",".join(self.metadata) + "}")
        for name, fields in self.tensors:
            if fields is None:
                parts.append(f'"{name}":["F32",[1],[0,4]]')
                continue
            texts = []
            for field in fields:
                if len(field) == 1:
                    texts.append(field[0])
                else:
                    value = "[" + ",".join(field[1]) + "]" if isinstance(field[1], list) else field[1]
                    texts.append(f'"{field[0]}":{value}')
            parts.append(f'"{name}":{{' + ",".join(texts) + "}")
        return ("{" + ",".join(parts) + "}" + self.tail).encode()


def mutant(rng):
    header = Header(rng)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        header.mutate()
    text = bytearray(header.text())
    for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2])):
        position = rng.randrange(len(text))
        change = rng.randrange(4)
        if change == 0:
            text[position] ^= 1 << rng.randrange(8)
        elif change == 1:
            text[position] = rng.randrange(256)
        elif change == 2:
            del text[position]
        else:
            text.insert(position, rng.choice(b'{}[]",:0123456789 \n\\e.-+'))
        if not text:
            break
    length = len(text)
    if rng.random() < 0.05:
        length = rng.choice([0, 1, length - 1, length + 1, 2**60, 2**63, 2**64 - 1, 100_000_001])
    data = struct.pack("<Q", max(0, length)) + bytes(text) + rng.randbytes(header.data_size)
    if rng.random() < 0.05:
        data = data[: rng.randrange(len(data) + 1)]
    return data


def reference(data):
    try:
        return {name: (value["dtype"], value["shape"], bytes(value["data"])) for name, value in deserialize(data)}, ""
    except Exception as error:
        return None, str(error)


def main():
    driver = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    process = subprocess.Popen([driver, "safetensors"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    tally, failures = collections.Counter(), []
    for _ in range(count):
        data = mutant(rng)
        process.stdin.write(struct.pack("<I", len(data)) + data)
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        tensors, reason = reference(data)
        if "tensors" in answer:
            if tensors is None:
                tally["LAXER"] += 1
                failures.append((data, "only Lethe accepts it: " + reason))
                continue
            tally["both accept"] += 1
            found = {name: (dtype, shape, data[begin:end]) for name, dtype, shape, begin, end in answer["tensors"]}
            if found != tensors:
                tally["OTHER TENSORS"] += 1
                failures.append((data, "other tensors"))
        elif tensors is None:
            tally["both refuse"] += 1
        else:
            rules = [rule for pattern, rule in STRICTER.items() if re.search(pattern, answer["message"])]
            tally["stricter: " + (rules[0] if rules else "UNEXPLAINED")] += 1
            if not rules:
                failures.append((data, "only the package accepts it: " + answer["message"]))
    process.stdin.close()
    process.wait()
    for name, number in sorted(tally.items()):
        print(f"{number:8}  {name}")
    for data, reason in failures[:20]:
        print(reason, data[:400])
    print("ok" if not failures else f"{len(failures)} failures")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())

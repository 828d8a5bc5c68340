"""Makes stages.golden.json: what single normalizers, pre-tokenizers and decoders of the reference library give.

Written with tokenizers 0.23.3 on Python 3.11. Run from this folder, after make_tokenizers.py:

    python make_stages.py
"""

import json

from tokenizers import Tokenizer

import make_tokenizers as shared

BASE = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
    "pre_tokenizer": None, "post_processor": None, "decoder": None,
    "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
              "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "vocab": {}, "merges": []},
}


def literal(text):
    return {"String": text}


def regex(text):
    return {"Regex": text}


# Compiled by sentencepiece 0.2.3 from the rules (code points, then what replaces them)
# 41:61 42:62 C9:65 65+301:65 FB01:66+69 3000:20 20+20:20 200B:nothing 2126:3C9
CHARS_MAP = (
    "AAQAAACEAAAgjAAAIAUAAAEAAIADAACABQAAgMwAAgCBPQAABwAAgIkFAACANAIAAAAAgIsdAACmCQAAhJQCAAwAAICABAIAgEkAAKwA"
    "AgCBHQAACQAAgBQAAAAXAAAAFgAAABkAAAAYAAAAGwAAABoAAAAdAAAAHAAAAB8AAAAeAAAAIQAAACAAAAAjAAAAIgAAACUAAAAkAAAA"
    "JwAAACYAAAApAAAAKAAAACsAAAAqAAAALQAAACwAAAAvAAAALgAAADEAAAAwAAAAMwAAADIAAAA1AAAANAAAADcAAAA2AAAAOQAAADgA"
    "AAA7AAAAOgAAAD0AAAA8AAAAPwAAAD4AAABBAAAAQAAAAEMAAABCAAAAZTgCAEQAAABHAAAARgAAAEkAAABIAAAASwAAAEoAAABNAAAA"
    "TAAAAE8AAABOAAAAUQAAAFAAAABTAAAAUgAAAFUAAABUAAAAVwAAAFYAAABZAAAAWAAAAFsAAABaAAAAXQAAAFwAAABfAAAAXgAAAEGR"
    "AQBgAAAAYwAAAEKZAQBlAAAAZAAAAGcAAABmAAAAaQAAAGgAAABrAAAAagAAAG0AAABsAAAAbwAAAG4AAABxAAAAcAAAAHMAAAByAAAA"
    "dQAAAHQAAAB3AAAAdgAAAHkAAAB4AAAAewAAAHoAAAB9AAAAfAAAAH8AAAB+AAAAgQAAAIAAAACDAAAAggAAAIUAAACEAAAAhwAAAIYA"
    "AACJAAAAiAAAAIsAAACKAAAAjQAAAIwAAACPAAAAjgAAAJEAAACQAAAAkwAAAJIAAACVAAAAlAAAAJcAAACWAAAAmQAAAJgAAACbAAAA"
    "mgAAAJ0AAACcAAAAnwAAAJ4AAAChAAAAoAAAAKMAAACiAAAApQAAAKQAAACnAAAApgAAAKkAAACoAAAAqwAAAKoAAACtAAAArAAAAK8A"
    "AACuAAAAsQAAALAAAACzAAAAsgAAALUAAAC0AAAAtwAAALYAAAC5AAAAuAAAALsAAAC6AAAAvQAAALwAAAC/AAAAvgAAAMEAAADAAAAA"
    "40gBAOIkAQDFAAAAxAAAAMcAAADGAAAAyQAAAMgAAADLAAAAygAAAM0AAADMAAAA78ABAM4AAADRAAAA0AAAANMAAADSAAAA1QAAANQA"
    "AADXAAAA1gAAANkAAADYAAAA2wAAANoAAADdAAAA3AAAAN8AAADeAAAA4QAAAOAAAADDiAEA4gAAAOUAAADkAAAA5wAAAOYAAADpAAAA"
    "6AAAAOsAAADqAAAA7QAAAOwAAADvAAAA7gAAAPEAAADwAAAA8wAAAPIAAAD1AAAA9AAAAPcAAAD2AAAA+QAAAPgAAAD7AAAA+gAAAP0A"
    "AAD8AAAA/wAAAP4AAAAAIABhAGIAZQBmaQDPiQA="
)

NORMALIZERS = [
    {"type": "Precompiled", "precompiled_charsmap": CHARS_MAP},
    {"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"}, {"type": "Lowercase"},
    {"type": "StripAccents"}, {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Strip", "strip_left": True, "strip_right": False},
    {"type": "Strip", "strip_left": False, "strip_right": True}, {"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": literal(" "), "content": "▁"},
    {"type": "Replace", "pattern": literal("''"), "content": "\""},
    {"type": "Replace", "pattern": regex(" {2,}"), "content": " "},
    {"type": "Replace", "pattern": regex(r"\s+"), "content": " "}, {"type": "ByteLevel"},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": True, "lowercase": False},
    {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": True, "strip_accents": False, "lowercase": True},
    {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]},
]

SPLIT_BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
PRE_TOKENIZERS = [
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "Digits", "individual_digits": True}, {"type": "Digits", "individual_digits": False},
    {"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False},
    {"type": "CharDelimiterSplit", "delimiter": " "},
    {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}]},
    {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
]
PRE_TOKENIZERS += [{"type": "Punctuation", "behavior": behavior} for behavior in SPLIT_BEHAVIORS]
PRE_TOKENIZERS += [
    {"type": "Split", "pattern": literal("a"), "behavior": behavior, "invert": invert}
    for behavior in SPLIT_BEHAVIORS
    for invert in (False, True)
]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
PRE_TOKENIZERS += [
    {"type": "Split", "pattern": regex(pattern), "behavior": "Isolated", "invert": False}
    for pattern in [
        GPT2, shared.LLAMA3, shared.QWEN, shared.QWEN35, shared.TEKKEN, shared.O200K, " {2,}", " +", " ", r"\n", r"\n+",
        r"\s", r"\s+", r"\p{N}", r"\p{N}{1,3}", r"\p{N}+",
    ]
]
PRE_TOKENIZERS += [{"type": "Split", "pattern": regex(shared.O200K), "behavior": "Removed", "invert": True}]

DECODERS = [
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "WordPiece", "prefix": "##", "cleanup": True}, {"type": "WordPiece", "prefix": "##", "cleanup": False},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": True}, {"type": "ByteFallback"},
    {"type": "Fuse"}, {"type": "Strip", "content": "_", "start": 2, "stop": 1},
    {"type": "Replace", "pattern": literal("▁"), "content": " "}, {"type": "BPEDecoder", "suffix": "</w>"},
    {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": literal("▁"), "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
]
TOKENS = [
    [], ["a"], ["▁Hello", "▁wor", "ld"], ["▁▁a", "▁", "b▁"], ["Ġthe", "Ġcaf", "Ã", "©", "Ċ"], ["Ã", "x", "©"],
    ["字", "Ġa"], ["play", "##ing", ".", "it", "'", "s", "do", "not", "##", "n't", ",", "ok", "?"],
    ["a", "<0xE5>", "<0xAD>", "<0x97>", "b", "<0xE5>", "<0x0A>", "<0xzz>", "<0xff>"], ["___a__", "_a", "b", "a_"],
    ["low</w>", "er", "est</w>", "</w>"], ["i", "'m", "we", "'ve", "they", "'re", "he", "'s", "ca", "n't", " ' ", "!"],
]


def with_stage(key, spec):
    return Tokenizer.from_str(json.dumps({**BASE, key: spec}))


def results(texts):
    """(kind, spec, input, output) for every stage and text."""
    for spec in NORMALIZERS:
        stage = with_stage("normalizer", spec).normalizer
        for text in texts:
            yield "normalizer", spec, text, stage.normalize_str(text)
    for spec in PRE_TOKENIZERS:
        stage = with_stage("pre_tokenizer", spec).pre_tokenizer
        for text in texts:
            yield "pre_tokenizer", spec, text, [piece for piece, _ in stage.pre_tokenize_str(text)]


def main():
    texts = [
        "", " ", "a", "Hello, world!", "  two  spaces  ", "don't DON'T 'tis 'S'sam'ſ 'LLama we'RE'", "a\u0301 ÀÉÎ ﬁ ㎏ Å \u0344",
        "The price: 1,204.50€ (№ 12) ½ Ⅷ ٣٤ १२", "line\n\n\nbreaks \n \r\n\ttab", "CamelCaseWords HTTPServer ABCdéf ÀBc",
        "日本語の灯台 中文字符，한국어", "नमस्ते ไทย עברית العربية", "🙂👩‍👩‍👧‍👦🇫🇷", "\u00a0nbsp\u3000wide\u2028sep\x85\x0b\x0c",
        "\u0301mark first", "\u0000\u0007\u00ad\ufeff\ufffd\ue000x", "snake_case-kebab/path\\x", "aaa bab aab a", "!!! ... ?!", "''quoted''",
        "ΣΊΣΥΦΟΣ İI ẞß", "𝔘𝔫𝔦 𝟘𝟙 q̣̇ q̣̇", "x=1;y='2'//z\n/**/", "▁a ▁▁b", "각각각", "tab\t\tend\t", "12345678901", "A1b2 c3D4",
        "ǅ ʰʰa ªº ƛ ǈ", "   lead", "trail   ", "\n\na", "a\n", "e̊̄ ŵ", "ᷮx", "a\u0345\u0301\U00011a47 b\u0345\u1df6 c\u0345\u08d4\u0334", "字ABC日本X ʰABC Ab字Cd", "a\u088fb \U00016ea0x 1\U00011de0 \u20c1", "ABC É e\u0301 ﬁ\u3000x \u200b\u2126", "⸐ ꧴ ᥀ 〽 𐄀 ᙭",
    ]
    stages = []
    for kind, spec, text, output in results(texts):
        if not stages or stages[-1]["spec"] != spec:
            stages.append({"kind": kind, "spec": spec, "results": []})
        # An unchanged text is written as null.
        same = output == text if kind == "normalizer" else output == ([text] if text else [])
        stages[-1]["results"].append(None if same else output)
    for spec in DECODERS:
        stage = with_stage("decoder", spec).decoder
        stages.append({"kind": "decoder", "spec": spec, "results": [stage.decode(tokens) for tokens in TOKENS]})
    with open("stages.golden.json", "w", encoding="utf-8") as file:
        document = {"texts": texts, "tokens": TOKENS, "stages": stages}
        json.dump(document, file, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()

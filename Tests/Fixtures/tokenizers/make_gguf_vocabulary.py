"""Makes gguf-llama.golden.json: a vocabulary as a GGUF file of the "llama" kind holds it, and what SentencePiece gives.

Written with sentencepiece 0.2.3 on Python 3.11. Run from this folder, after make_tokenizers.py:

    python make_gguf_vocabulary.py

`ids` has an entry for each text of texts.json, null where the text contains the name of a control token (SentencePiece
reads such a name as ordinary text, a GGUF runtime as the token).
"""

import io
import json

import sentencepiece

from make_tokenizers import CORPUS

model = io.BytesIO()
sentencepiece.SentencePieceTrainer.train(
    sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=520, model_type="bpe", byte_fallback=True,
    normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True, character_coverage=0.98,
    minloglevel=2,
)
processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
size = processor.get_piece_size()


def token_type(index):
    if processor.is_unknown(index):
        return 2
    if processor.is_control(index):
        return 3
    return 6 if processor.is_byte(index) else 1


texts = json.load(open("texts.json", encoding="utf-8"))
names = ["<s>", "</s>", "<unk>"]
document = {
    "tokens": [processor.id_to_piece(i) for i in range(size)],
    "scores": [round(processor.get_score(i), 6) for i in range(size)],
    "token_types": [token_type(i) for i in range(size)],
    "bos": processor.bos_id(), "eos": processor.eos_id(), "unknown": processor.unk_id(),
    "ids": [None if any(n in text for n in names) else processor.encode(text) for text in texts],
}
with open("gguf-llama.golden.json", "w", encoding="utf-8") as file:
    json.dump(document, file, ensure_ascii=False, separators=(",", ":"))

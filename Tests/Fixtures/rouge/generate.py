"""Makes golden.json (ROUGE-1, ROUGE-2 and ROUGE-L) and porter.json (stems).

    python generate.py

Pinned: Python 3.11, rouge-score 0.1.2, nltk 3.10.4; seed 4401. Every sentence and name is invented.

golden.json:  {"cases": [{"target", "prediction", "rouge1": [precision, recall, f], "rouge2": [...], "rougeL": [...]}]}
              stemming on; precision is over the prediction's tokens, recall over the target's
porter.json:  {"cases": [[word, stem], ...]}  of nltk's PorterStemmer in its default mode (NLTK_EXTENSIONS), which
              rouge-score applies to tokens of more than three characters; words here are of any length
"""

import importlib.metadata
import json
import pathlib
import random

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer

HERE = pathlib.Path(__file__).resolve().parent
SEED = 4401

NAMES = ["Orla Fenwick", "Ines Quill", "Tomas Arden", "Bo Lindqvist", "Zoë Marchetti", "Dr. Hale O'Brien", "Señor Puig"]
PLACES = ["12 Elm Row", "Sable Court 9", "Marrow Island", "the old mill", "Pier 3",
          "Łódź Street", "Café Nord"]
ACTIONS = [
    "mends the ferry's ropes", "was singing loudly", "has been organising the archives", "quickly denied everything",
    "studies relational databases", "hopes to be generously rewarded", "collected 1,204 coins", "is dying to travel",
    "repeatedly adjusted the flickering lamps", "argued about conditional happiness", "owns the patent no. US-48151",
    "paid $19.99 (twice!)", "will be relocating operations", "noticed oscillating controllers", "caresses ponies",
]
TIMES = ["at 7:45", "on 2031-04-19", "every Tuesday", "in the evenings", "yesterday", "after the meetings", ""]

EDGES = [
    ("", ""), ("", "a word"), ("a word", ""), (" ", "\n\t"), ("...", "!!!"), ("one", "one"), ("one", "two"),
    ("a a a a", "a a"), ("a a", "a a a a"), ("the the the", "the"), ("The CAT sat", "the cat SAT"),
    ("cats running", "cat runs"), ("happily", "happy"), ("dying lying tying", "die lie tie"),
    ("skies", "sky"), ("sky", "skies"), ("news innings", "new inning"),
    ("proceed exceed succeed", "proceeds exceeding"),
    ("don't", "do n't"), ("don't", "dont"), ("it's John's", "its Johns"), ("well-known", "well known"),
    ("under_score", "under score"), ("under_score", "under_score"), ("e-mail: a.b@example.org", "a b example org"),
    ("3.14", "3 14"), ("3.14", "3.15"), ("1,000,000", "1000000"), ("No. 5", "no 5"), ("x2 y3z", "x2 y3z"),
    ("café", "cafe"), ("café", "cafe\u0301"), ("naïve façade", "naive facade"), ("ÉCOLE", "école"),
    ("Straße", "strasse"),
    ("İstanbul", "istanbul"), ("ＡＢＣ １２", "abc 12"), ("٣٤ ١", "34 1"), ("日本語", "日本語"), ("日本語 text", "text 日本語"),
    ("Привет мир", "Привет мир"), ("emoji 🙂 here", "emoji here"), ("K kelvin \u212a", "k kelvin k"),
    ("ſtone \u017f", "stone s"), ("zero\u200bwidth", "zero width"), ("no\u00a0break", "no break"),
    ("tab\tand\nline", "tab and line"),
    ("a b c d e f", "f e d c b a"), ("a b c d e f", "a c e"), ("a c e", "a b c d e f"), ("a b a b a b", "b a b a"),
    ("x y z", "x q y q z"), ("one two three four", "one two three four five"), ("- - -", "-"), ("\u2014", "-"),
    ("repeat repeat repeat words", "words repeat"), ("abc" * 60, "abc" * 60), ("w " * 200, "w " * 150),
    ("generalizations of oscillators", "generalization of oscillating"), ("y", "Y"), ("as is", "as was"),
    ("agreed", "agree"), ("feed", "fed"), ("plastered bled", "plaster bleed"), ("hopping hoping", "hop hope"),
    ("falling hissing fizzed failing filing", "fall hiss fizz fail file"), ("12th", "12"), ("12th", "12 th"),
    ("\u0130", "i"), ("I\u0307", "i"), ("ﬁne print", "fine print"), ("½ cup", "1/2 cup"), ("x² + y²", "x2 + y2"),
    ("<b>bold</b>", "bold"), ("\\n escaped", "n escaped"), ("null\u0000byte", "null byte"), ("a\u0301bc", "abc"),
]

BASES = [
    "relate", "condition", "valence", "hesitate", "digitize", "conform", "radical", "different", "vile", "analogous",
    "vietnam", "predicate", "operate", "feudal", "decisive", "hopeful", "callous", "formal", "sensitive", "sensible",
    "triplicate", "electric", "good", "revive", "allow", "infer", "airline", "gyroscope", "adjust", "defense",
    "irritate",
    "replace", "depend", "adopt", "communicate", "activate", "angular", "homolog", "effect", "bowdler", "probate",
    "rate",
    "cease", "control", "roll", "happy", "sky", "cry", "enjoy", "employ", "play", "tie", "die", "lie", "agree", "feed",
    "plaster", "motor", "sing", "conflate", "trouble", "size", "hop", "tan", "fall", "hiss", "fizz", "fail", "file",
    "general", "oscillate", "run", "swim", "begin", "mend", "rope", "ferry", "lamp", "archive", "organise", "patent",
    "travel", "travelled", "busy", "pony", "caress", "cat", "glass", "box", "church", "wolf", "leaf", "analysis", "use",
    "bleed", "free", "see", "knee", "employee", "abate", "bathe", "write", "love", "hate", "move", "nation", "rational",
    "geology", "logic", "magic", "public", "music", "critic", "basic", "abil", "possible", "terrible", "legal", "vital",
]
SUFFIXES = [
    "", "s", "es", "ed", "ing", "ly", "er", "ers", "ion", "ions", "ional", "ation", "ational", "ator", "ness",
    "fulness",
    "ful", "ously", "ousness", "iveness", "ive", "ively", "ity", "ality", "ability", "ible", "able", "ably", "al",
    "ally",
    "ance", "ence", "ment", "ments", "ement", "ism", "ist", "ize", "ized", "izing", "izer", "ization", "ies", "ied",
    "y",
    "eed", "eedly", "ical", "icate", "logy", "fully", "'s",
]
IRREGULAR = [
    "sky", "skies", "dying", "lying", "tying", "news", "innings", "inning", "outings", "outing", "cannings", "canning",
    "howe", "proceed", "exceed", "succeed", "proceeds", "exceeds", "succeeds", "proceeding", "exceeded", "succeeded",
]
SHORT = [
    "", "a", "i", "y", "s", "as", "is", "us", "by", "ss", "ed", "ies", "ied", "die", "died", "dies", "tie", "tied",
    "ties",
    "the", "this", "bus", "gas", "yes", "yy", "say", "syzygy", "ing", "bing", "sses", "sion", "tion", "aion", "ement",
    "eed", "need", "aeed", "ful", "ness", "ooo", "bcd", "yyy", "ayb", "e", "ee", "ae", "be", "cease", "probate", "roll",
    "fully", "alli", "bli", "logi", "xlogi", "enci", "anci", "izer", "tanned", "falling", "sized", "luxuriated",
    "Mixed",
    "UPPER", "CamelCased", "x2", "3rd", "12th", "2020s", "a1ing", "don't", "rock'n'roll", "naïvely", "œuvres",
]


def sentence(rng):
    words = f"{rng.choice(NAMES)} {rng.choice(ACTIONS)} at {rng.choice(PLACES)} {rng.choice(TIMES)}".strip()
    return words + rng.choice([".", "", "!", "?", ";"])


def changed(rng, text):
    words = text.split(" ")
    for _ in range(rng.randint(0, 5)):
        if not words:
            break
        place = rng.randrange(len(words))
        how = rng.randrange(6)
        if how == 0:
            del words[place]
        elif how == 1:
            words.insert(place, rng.choice(["never", "the", "perhaps", words[place]]))
        elif how == 2:
            other = rng.randrange(len(words))
            words[place], words[other] = words[other], words[place]
        elif how == 3:
            words[place] = words[place].upper()
        elif how == 4:
            words[place] = words[place].rstrip(".,!?;") + rng.choice(["s", "ing", "ed", "ly", "ness"])
        else:
            words[place] = rng.choice(ACTIONS)
    return rng.choice(["", "", "Answer: ", "\n"]) + " ".join(words)


def main():
    rng = random.Random(SEED)
    pairs = list(EDGES)
    for _ in range(200):
        target = sentence(rng)
        pairs.append((target, changed(rng, target)))
    for _ in range(40):
        pairs.append((sentence(rng), sentence(rng)))
    for _ in range(20):
        target = " ".join(sentence(rng) for _ in range(rng.randint(2, 5)))
        pairs.append((target, changed(rng, target)))

    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    cases = []
    for target, prediction in pairs:
        scores = scorer.score(target, prediction)
        cases.append({
            "target": target,
            "prediction": prediction,
            **{kind: [float(score.precision), float(score.recall), float(score.fmeasure)]
               for kind, score in scores.items()},
        })
    used = {"rouge-score": importlib.metadata.version("rouge-score"), "nltk": importlib.metadata.version("nltk")}
    generator = {"script": "generate.py", "seed": SEED, "versions": used}
    golden = {"generator": generator, "cases": cases}
    (HERE / "golden.json").write_text(json.dumps(golden, separators=(",", ":")).replace("},{", "},\n{") + "\n")

    words = dict.fromkeys(IRREGULAR + SHORT)
    for base in BASES:
        stem = base[:-1] if base[-1] in "ey" else base
        doubled = base + base[-1]
        chosen = rng.sample(SUFFIXES, 14)
        for suffix in chosen:
            words[(stem if rng.random() < 0.6 else base) + suffix] = None
        words[doubled + rng.choice(["ed", "ing"])] = None
    letters = "aeiouybcdlmnrstvz"
    while len(words) < 2000:
        words["".join(rng.choice(letters) for _ in range(rng.randint(2, 7))) + rng.choice(SUFFIXES)] = None
    stemmer = PorterStemmer()
    stems = {"generator": generator, "cases": [[word, stemmer.stem(word)] for word in words]}
    (HERE / "porter.json").write_text(
        json.dumps(stems, ensure_ascii=False, separators=(",", ":")).replace("],[", "],\n[") + "\n", encoding="utf-8")
    print(len(cases), "pairs,", len(words), "words")


if __name__ == "__main__":
    main()

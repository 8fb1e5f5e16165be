"""SentencePiece's ids against the library's own: small models, trained here on sentences made here, of
both types, with every normalizer, and texts that people write, that nobody writes, and that are no text."""
import io
import json
import os
import random
import re
import string
import subprocess
import tempfile

import tap
from pieces import message, piece

try:
    import sentencepiece
except ImportError:
    tap.skip("no sentencepiece for %s (package python3-sentencepiece)" % os.path.basename(os.sys.executable))
    tap.done()

driver = os.path.join(tap.build, "tests", "test_sentencepiece")
rng = random.Random(64)
tmp = tempfile.TemporaryDirectory()
SPACE = "\u2581"

# ---- Sentences, of words made of syllables: no vocabulary of anybody.
syllables = [c + v for c in "b c d f g l m n p r s t v st tr ch".split() for v in "a e i o u".split()]
words = sorted({"".join(rng.choice(syllables) for _ in range(rng.randint(1, 4))) for _ in range(700)})
marks = ["", "", "", ".", ",", "!", "?", "'s", "-", ":", "...", "(x)", "&", "\u00e9", "\u00fc", "\u4e2d\u6587", "\uff21\uff22", "\ufb01", "\u0130", "\u03a3", "3", "42", "2024"]


def sentence():
    some = [rng.choice(words[:60] if rng.random() < .6 else words) for _ in range(rng.randint(1, 14))]
    return " ".join((w.capitalize() if rng.random() < .2 else w) + rng.choice(marks) for w in some)


corpus = [sentence() for _ in range(4000)]

# ---- Texts to cut.
odd = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2003", SPACE, SPACE * 2, "<s>", "</s>", "<unk>", "<pad>", "</S>", "<UNK>",
       "<0x41>", "<user>", "<user>s", "q", "\u2603", "\U0001f600", "\u0301", "e\u0301", "\u1e9e", "\ufdfa", "\uff76\uff9e", "\u2460", "\x00",
       "\x01", "\x1c", "\x85", "\x7f", "\ufeff", "\u200b", "\u200d", "\u00ad", "\ufffd", "\u0130", "\u03a3", "\u1fb7", "\u212b", "\ud55c\uae00",
       "\u1112\u1161\u11ab", "_", "{}", "~", "'", "\u2019"]


def text():
    kind = rng.random()
    if kind < .25:
        return sentence()
    if kind < .55:
        return "".join(rng.choice(odd if rng.random() < .5 else words) + rng.choice(["", " ", ""]) for _ in range(rng.randint(0, 12)))
    if kind < .7:
        return "".join(rng.choice("abcdeorst ." + SPACE) for _ in range(rng.randint(0, 40)))
    if kind < .85:
        return "".join(chr(c) for c in (rng.choice([rng.randrange(0x250), rng.randrange(0x3000), rng.randrange(0xf900, 0x10000), rng.randrange(0x110000)])
                                        for _ in range(rng.randint(0, 20))) if not 0xd800 <= c < 0xe000)
    return rng.choice(words) * rng.randint(1, 30)


texts = ["", " ", SPACE, "a", "  a  b  "] + odd + [text() for _ in range(1200)] + [sentence() * 40, "a" * 4000, " " * 3000, "\ufdfa" * 300]


def broken():
    """Bytes that are no UTF-8, among some that are."""
    return b"".join(rng.choice([bytes([rng.randrange(256)]), rng.choice(words).encode(), b"\xe2\x96", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80",
                                b"\xf4\x90\x80\x80", b"\xe2\x96\x81"]) for _ in range(rng.randint(1, 15)))


raw = [broken() for _ in range(1000)]


def ours(path, rules, inputs, context=60000):
    p = subprocess.run([driver, path, rules, str(context)], input="".join(t.hex() + "\n" for t in inputs).encode(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
    return [[int(i) for i in line.split()] for line in p.stdout.decode().splitlines()] if p.returncode == 0 else p.stderr.decode()


def compare(name, got, want, inputs):
    wrong = [i for i in range(len(want)) if not isinstance(got, str) and (len(got) <= i or got[i] != want[i])]
    tap.check(not isinstance(got, str) and not wrong and len(got) == len(want), "%s: %d texts" % (name, len(want)))
    if isinstance(got, str):
        print("# " + got)
    for i in wrong[:3]:
        print("# %r\n#   wants %s\n#   has   %s" % (inputs[i][:120], want[i][:60], got[i][:60] if i < len(got) else None))


def train(kind, **keywords):
    to = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=to, model_type=kind, minloglevel=2, num_threads=1,
                                             **dict(dict(vocab_size=500, hard_vocab_limit=False), **keywords))
    return to.getvalue()


def save(model):
    path = os.path.join(tmp.name, "spiece.model")
    open(path, "wb").write(model)
    return path


def library(model):
    return sentencepiece.SentencePieceProcessor(model_proto=model)


def normalizer(**flags):
    """A NormalizerSpec to append to a model: messages that follow one another are merged."""
    numbers = {"prefix": 3, "trim": 4, "escape": 5}
    body = b"".join(bytes([numbers[k] << 3, v]) for k, v in flags.items())
    return bytes([3 << 3 | 2, len(body)]) + body


# ---- The library, on every kind of model.
models = {}
for kind in ("unigram", "bpe"):
    for rule in ("identity", "nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf"):
        for fallback in (False, True):
            name = "%s, %s%s" % (kind, rule, ", byte fallback" if fallback else "")
            models[name] = train(kind, normalization_rule_name=rule, byte_fallback=fallback, vocab_size=800 if fallback else 500)
    base = models[kind + ", nmt_nfkc"]
    models[kind + ", user symbols"] = train(kind, user_defined_symbols=["<user>", "<user>s", SPACE + "ba", "\u00e9", "\uff21", "be be", "tr"],
                                            control_symbols=["<ctrl>", "<pad>x"])
    models[kind + ", few characters, user symbols"] = train(kind, character_coverage=.98, user_defined_symbols=["q", "qq", "<user>"], byte_fallback=True,
                                                            vocab_size=700)
    models[kind + ", space behind words"] = train(kind, treat_whitespace_as_suffix=True)
    models[kind + ", spaces within pieces"] = train(kind, split_by_whitespace=False, max_sentencepiece_length=40)
    models[kind + ", other ids"] = train(kind, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    for flags in ({"prefix": 0}, {"trim": 0}, {"escape": 0}, {"prefix": 0, "trim": 0, "escape": 0}):
        models["%s, without %s" % (kind, " ".join(flags))] = base + normalizer(**flags)
    sp = library(models[kind + ", nmt_nfkc"])
    sp.set_vocabulary([sp.id_to_piece(i) for i in range(len(sp)) if i < 3 or i % 3 != 0])
    models[kind + ", a third of the pieces unused"] = sp.serialized_model_proto()


def model_of(pieces, kind):
    special = [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3)]
    return b"".join(piece(*p) for p in special + pieces) + message(2, b"\x18" + bytes([kind]))


# Scores of which many sums are equal, or differ by less than a float holds; of words, by length, of chance.
for number, scores in enumerate(([0.0, -0.0], [-1.0], [-1.0, -2.0, -3.0], [-0.1, -0.2, -0.3, -0.30000001], [1e7, -1e7, .5], [3.4e38, -1.0],
                                 [1e-45, -1e-40, 0.0], [2.0, 1.0])):
    parts = sorted({"".join(rng.choice("ab" + SPACE) for _ in range(rng.randint(1, 6))) for _ in range(60)} | set("ab" + SPACE))
    for kind in (1, 2):
        kinds = [rng.choice([1] * 8 + [4, 5]) if len(part) > 1 else 1 for part in parts]
        models["made up %d, %s" % (number, ["unigram", "bpe"][kind - 1])] = model_of(
            [(part, rng.choice(scores), k) for part, k in zip(parts, kinds)], kind)
few = texts[:200] + ["".join(rng.choice("aaabbb c") for _ in range(rng.randint(1, 60))) for _ in range(2000)]
for name, model in models.items():
    sp = library(model)
    inputs = few if name.startswith("made up") else texts
    want = [sp.encode(t) + [sp.eos_id()] for t in inputs]
    compare(name, ours(save(model), "library", [t.encode() for t in inputs]), want, inputs)
for name in ("unigram, identity, byte fallback", "bpe, nmt_nfkc", "unigram, user symbols", "bpe, user symbols"):
    sp = library(models[name])
    compare(name + ", not UTF-8", ours(save(models[name]), "library", raw), [sp.encode(t) + [sp.eos_id()] for t in raw], raw)

# ---- SiglipTokenizer: what transformers 4.x does around the library (tokenization_siglip.py, tokenization_utils.py).


class Siglip:
    def __init__(self, model):
        self.sp = library(model + normalizer(prefix=0))
        self.special = ["</s>", "<unk>"]
        self.pattern = re.compile("(" + "|".join(map(re.escape, self.special)) + ")")

    def part(self, text):
        text = text.translate(str.maketrans("", "", string.punctuation))
        text = re.sub(r"\s+", " ", text).strip()
        dropped = len(self.sp.encode("<unk>", out_type=str))
        tokens = self.sp.encode("<unk>" + text, out_type=str)
        return tokens[dropped:] if len(tokens) >= dropped else tokens

    def __call__(self, text, context):
        text = SPACE + text.replace(SPACE, " ")
        text = re.sub(self.pattern.pattern + "|(.+?)", lambda m: m.group(1) or m.group(2).lower(), text)
        parts = self.pattern.split(text)
        for i in range(1, len(parts), 2):
            parts[i - 1] = parts[i - 1].rstrip()
            parts[i + 1] = parts[i + 1].lstrip()
        tokens = []
        for p in parts:
            tokens += [] if not p else [p] if p in self.special else self.part(p)
        if len(tokens) > 1 and tokens[0] == SPACE and tokens[1] in self.special:
            tokens = tokens[1:]
        ids = [self.sp.piece_to_id(t) for t in tokens][:context - 1]
        return ids if ids and ids[-1] == self.sp.eos_id() else ids + [self.sp.eos_id()]


for name in ("unigram, nmt_nfkc", "unigram, nmt_nfkc_cf", "unigram, identity, byte fallback", "unigram, user symbols", "unigram, other ids",
             "unigram, without trim", "unigram, without escape", "bpe, nmt_nfkc, byte fallback", "bpe, identity"):
    for context in (60000, 64, 2, 1) if name == "unigram, nmt_nfkc" else (64,):
        siglip = Siglip(models[name])
        compare("SiglipTokenizer, %s, context %d" % (name, context), ours(save(models[name]), "siglip", [t.encode() for t in texts], context),
                [siglip(t, context) for t in texts], texts)

# ---- SigLIP 2 with tokenizer.model: letters made lower-case one by one, then the library.
# Letters of Unicode 16, which tokenizers knows and this Python may not.
later = {0x1c89, 0xa7cb, 0xa7cc, 0xa7da, 0xa7dc} | set(range(0x10d50, 0x10d66))
texts = [t for t in texts if not later & set(map(ord, t))]
json.dump({"tokenizer_class": "GemmaTokenizer"}, open(os.path.join(tmp.name, "tokenizer_config.json"), "w"))
for kind in ("bpe", "unigram"):
    model = train(kind, normalization_rule_name="identity", byte_fallback=True, vocab_size=800, add_dummy_prefix=False, remove_extra_whitespaces=False,
                  pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", user_defined_symbols=["\n", "\n\n", SPACE * 2, "<b>"])
    sp = library(model)
    path = os.path.join(tmp.name, "tokenizer.model")
    open(path, "wb").write(model)
    for context in (60000, 64):
        compare("GemmaTokenizer, %s, context %d" % (kind, context), ours(path, "folder", [t.encode() for t in texts], context),
                [sp.encode("".join(c.lower() for c in t))[:context - 1] + [1] for t in texts], texts)
tap.done()
